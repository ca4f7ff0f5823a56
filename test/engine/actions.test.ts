import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConflictError, type Outcome } from '../../src/index.ts'
import type { ActionEffect } from '../../src/core/derive.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const stale: Outcome = { type: 'conflict', reason: 'stale', error: new ConflictError('Stale.', { status: 412 }) }
const archive = { type: 'archive', entity: 'note', id: 'a', payload: { reason: 'old' } }

describe('an action of the application that meets a conflict', () => {
  beforeEach(async () => {
    const engine = await world.started()
    const create = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'kept', tag: 'kept' } })
    await create.settled
    await engine.stop()
    let refused = false
    world.intercept(async ({ request }, send) => {
      if (!request.path.endsWith('/archive')) return send()
      if (refused) return { type: 'applied' }
      refused = true
      return stale
    })
  })

  it('A3 S12 is sent again as the same action on the new version, and wipes nothing', async () => {
    const engine = await world.started()
    expect(await (await engine.enqueue(archive)).settled).toEqual({ status: 'done' })
    const [first, second] = world.attempts.slice(-2).map(({ request }) => [request.method, request.path, request.body])
    expect(second).toEqual(first)
    expect(world.notes()).toEqual({ a: { id: 'a', title: 'kept', tag: 'kept' } })
  })

  it('A3 is dropped or parked as the entity says', async () => {
    const engine = await world.started({ entities: { note: { conflict: 'manual' } } })
    const operation = await engine.enqueue(archive)
    await eventOf(engine, 'sync:parked', (event) => 'operation' in event && event.operation.id === operation.id)
    expect(world.notes()).toEqual({ a: { id: 'a', title: 'kept', tag: 'kept' } })
    await engine.stop()
  })

  it('A3 is dropped where the server wins', async () => {
    const engine = await world.started({ entities: { note: { conflict: 'remoteWins' } } })
    expect((await (await engine.enqueue(archive)).settled).status).toBe('rejected')
  })

  it('A8 needs no payload', async () => {
    const engine = await world.started()
    const operation = await engine.enqueue({ type: 'archive', entity: 'note', id: 'a' })
    expect(await operation.settled).toEqual({ status: 'done' })
  })
})

describe('what the application says that an action of its own does', () => {
  it.each<[string, ActionEffect]>([
    [
      'throws',
      () => {
        throw new TypeError('No tags.')
      },
    ],
    ['is asynchronous', (async () => ({})) as unknown as ActionEffect],
    [
      'gives a promise, which rejects',
      (async () => {
        throw new TypeError('No tags.')
      }) as unknown as ActionEffect,
    ],
    ['makes a text of the entity', (() => 'archived') as unknown as ActionEffect],
    [
      'makes of it what JSON has no form for',
      (value) => ({ ...value, at: new Date(), done: (() => {}) as unknown as string }) as never,
    ],
  ])('L4 S14 shows nothing, is told of once and holds up nobody where it %s', async (_, effect) => {
    const engine = await world.started({ entities: { note: { actions: { archive: effect } } } })
    const errors: unknown[] = []
    engine.on('engine:error', ({ part, error }) => void errors.push([part, error]))
    await (
      await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'kept' } })
    ).settled
    world.intercept(async ({ request }, send) => (request.path.endsWith('/archive') ? { type: 'applied', version: '2' } : send()))
    engine.pause('test')
    const operation = await engine.enqueue(archive)
    expect(await engine.view('note').get('a')).toMatchObject({ value: { title: 'kept' }, status: 'pending' })
    engine.resume('test')
    expect(await operation.settled).toEqual({ status: 'done' })
    expect((await engine.view('note').get('a'))?.value).toEqual({ id: 'a', title: 'kept', version: '1' })
    expect((await (await engine.enqueue({ type: 'create', entity: 'note', id: 'b', payload: {} })).settled).status).toBe('done')
    const failed = { code: 'action-failed', message: expect.stringContaining('"archive"'), cause: expect.any(TypeError) }
    expect(errors).toEqual([['actions', expect.objectContaining(failed)]])
  })
})

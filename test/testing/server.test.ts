import { describe, expect, it } from 'vitest'
import type { Pulled } from '../../src/index.ts'
import { createSimulatedNetwork, createSimulatedServer } from '../../src/testing/index.ts'
import { context, request, told } from '../adapters/support/http-world.ts'
import { saved, simulated } from './network/world.ts'

describe('a simulated server', () => {
  it('E10 S4 answers a write again under its key without another effect', async () => {
    const server = createSimulatedServer({ baseURL: 'https://api.test/v1/' })
    const transport = createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: 'https://api.test/v1' })
    const create = request({ method: 'POST', path: '/note', headers: {}, body: '{"id":"n/1","title":"Hi"}' })
    const outcomes = [await transport.send(create, context()), await transport.send(create, context())]
    const applied = { type: 'applied', version: '1', value: { id: 'n/1', title: 'Hi', version: '1' } }
    expect(outcomes).toEqual([applied, applied])
    expect(server.effects()).toEqual([
      { user: 'anonymous', idempotencyKey: 'key-1', method: 'POST', entity: 'note', id: 'n/1', version: 1 },
    ])
    expect([server.get('note', 'n/1'), server.list('note'), server.list('task')]).toEqual([
      { id: 'n/1', title: 'Hi' },
      [{ id: 'n/1', title: 'Hi' }],
      [],
    ])
  })

  it('E10 answers 404 to what is not below its base URL', async () => {
    const server = createSimulatedServer({ baseURL: 'https://api.test/v1' })
    const transport = createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: 'https://api.test' })
    expect(told(await transport.send(request({ method: 'PUT', path: '/note/n1', body: '{}' }), context()))).toBe(
      'rejected/definite client',
    )
    expect(server.effects()).toEqual([])
    expect(() => createSimulatedServer({ baseURL: 'nowhere' })).toThrow(/baseURL/)
  })

  it.each(['HTTP://Server.test', 'http://server.test:80/', 'http://server.test/a/../b', 'https://server.test/büro 1//'])(
    'E10 answers at its base URL however that is spelt (%s)',
    async (baseURL) => {
      const server = createSimulatedServer({ baseURL })
      for (const spelt of [server.baseURL, baseURL]) {
        const transport = createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: spelt })
        expect(await transport.send(request({ method: 'PUT', path: '/note/n1', body: '{}' }), context())).toMatchObject({
          type: 'applied',
        })
      }
    },
  )

  it('E5 tells what is in a scope and what has left it, from a cursor of its own', async () => {
    const server = createSimulatedServer()
    const { pull } = createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL })
    const scope = 'project:1'
    const page = (cursor?: string, of = scope): Promise<Pulled> | undefined =>
      pull?.({ entity: 'note', scope: of, cursor, limit: 10, etag: undefined }, context())
    server.put('note', 'gone', { project: 1 })
    server.put('note', 'gone', undefined)
    server.put('note', 'a', { project: 1 })
    server.put('note', 'b', { project: 2 })
    const first = await page()
    expect(first).toMatchObject({ type: 'page', changes: [{ id: 'a', version: '3' }], hasMore: false })
    const cursor = first?.type === 'page' ? first.cursor : ''
    server.put('note', 'a', { project: 2 })
    server.put('note', 'a', { project: 3 })
    server.put('note', 'b', { project: '1' })
    expect(await page(cursor)).toMatchObject({
      changes: [
        { id: 'a', version: '6', deleted: true },
        { id: 'b', version: '7', value: { project: '1' } },
      ],
    })
    expect(await page(cursor, 'project:2')).toMatchObject({ type: 'expired' })
  })

  it('A4 brings what other clients wrote and deleted to an engine that pulls, also when its cursors have expired', async () => {
    const { engine, server, time } = await simulated()
    const titles = async (): Promise<readonly unknown[]> =>
      (await time.runUntil(engine.view('note').list())).map(({ value }) => value['title'])
    for (const id of ['a', 'b']) server.put('note', id, { title: id })
    await time.runUntil(engine.synchronize())
    expect(await titles()).toEqual(['a', 'b'])
    server.put('note', 'a', undefined)
    server.expireCursors()
    server.put('note', 'c', { title: 'c' })
    await time.runUntil(engine.synchronize())
    expect(await titles()).toEqual(['b', 'c'])
  })

  it('D8 tells of each effect once, until nobody listens any more', async () => {
    const server = createSimulatedServer()
    const heard: string[] = []
    const unwatch = server.watch(({ entity, id, version }) => heard.push(`${entity}/${id} ${version}`))
    const transport = createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL })
    const create = request({ method: 'POST', path: '/note', headers: {}, body: '{"id":"a"}' })
    for (let time = 0; time < 2; time++) await transport.send(create, context())
    server.put('note', 'b', {})
    unwatch()
    server.put('note', 'c', {})
    expect(heard).toEqual(['note/a 1', 'note/b 2'])
  })

  it('D8 lets a listener that throws end the run, though the sender and other listeners notice nothing', async () => {
    const world = await simulated()
    const heard: string[] = []
    const unwatch = world.server.watch(() => {
      throw new RangeError('Not what was expected.')
    })
    world.server.watch(({ id }) => heard.push(id))
    await expect(saved(world, 'n1')).rejects.toThrow(new RangeError('Not what was expected.'))
    expect(() => world.server.put('note', 'n2', {})).toThrow(RangeError)
    unwatch()
    await saved(world, 'n3')
    expect(heard).toEqual(['n1', 'n2', 'n3'])
    expect(world.network.log().map(({ answer }) => answer)).toEqual([201, 201])
    for (const listener of [undefined, null, {}, 'x'])
      expect(() => world.server.watch(listener as never)).toThrow(expect.objectContaining({ path: 'listener' }))
  })

  it('A3 lets another client write, so that the engine meets a conflict and merges', async () => {
    const world = await simulated()
    const { engine, server, time } = world
    await saved(world, 'n1')
    server.put('note', 'n1', { title: 'n1', colour: 'red' })
    const operation = await time.runUntil(
      engine.enqueue({ type: 'update', entity: 'note', id: 'n1', payload: { title: 'mine' } }),
    )
    expect(await time.runUntil(operation.settled)).toEqual({ status: 'done' })
    expect(server.get('note', 'n1')).toEqual({ id: 'n1', title: 'mine', colour: 'red' })
    server.put('note', 'n1', undefined)
    expect([server.get('note', 'n1'), server.list('note')]).toEqual([undefined, []])
    expect(() => server.put('note', 'n1', undefined)).toThrow(expect.objectContaining({ code: 'validation', path: 'note/n1' }))
  })

  it('A8 refuses for good what is poisoned', async () => {
    const { engine, server, time } = await simulated()
    const operation = await time.runUntil(engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { poison: true } }))
    expect(await time.runUntil(operation.settled)).toMatchObject({ status: 'rejected', error: { status: 422 } })
    expect(server.effects()).toEqual([])
  })

  it('S24 knows users by the tokens that it issues, and refuses those that are revoked', async () => {
    const server = createSimulatedServer()
    let token = server.issueToken('ann')
    const refresh = async (): Promise<void> => void (token = server.issueToken('ann'))
    const { engine, time } = await simulated(
      {},
      {
        transport: createSimulatedNetwork({ wire: server.wire }).transport({
          baseURL: server.baseURL,
          auth: { token: async () => token, refresh },
        }),
      },
    )
    server.revokeTokens()
    const operation = await time.runUntil(time.hold(engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} })))
    expect(await time.hold(operation.settled)).toEqual({ status: 'done' })
    expect(server.effects()).toMatchObject([{ user: 'ann' }])
  })

  it.each(['Jörg', '日本', 'a\nb', '"q"'])(
    'S24 issues tokens that a header can hold, whatever the user is called (%j)',
    async (user) => {
      const server = createSimulatedServer()
      const token = server.issueToken(user)
      const { send } = createSimulatedNetwork({ wire: server.wire }).transport({
        baseURL: server.baseURL,
        auth: { token: async () => token, refresh: async () => {} },
      })
      await send(request({ method: 'PUT', path: '/note/n1', body: '{}' }), context())
      expect(server.effects()).toMatchObject([{ user }])
      for (const nobody of [undefined, null, 5, ''])
        expect(() => server.issueToken(nobody as string)).toThrow(expect.objectContaining({ path: 'user' }))
    },
  )
})

import type { Observable } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { consoleLogger, transitionLog } from '../../src/adapters/logging.ts'
import type { Logger } from '../../src/index.ts'
import { createWorld, eventOf, type World } from '../support/world.ts'

interface Line {
  readonly level: string
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

const create = (id: string, payload: object = {}) => ({ type: 'create', entity: 'note', id, payload })

function listLogger(): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = []
  const writer = (level: string) => (message: string, fields: Readonly<Record<string, unknown>>) =>
    void lines.push({ level, message, fields })
  return { lines, logger: { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') } }
}

describe('the logger', () => {
  it('B17 is told of every event, with its level, ids and codes', async () => {
    const { logger, lines } = listLogger()
    const engine = await world.started({ logger })
    const seen: string[] = []
    engine.on('*', ({ type }) => void seen.push(type))
    const [done, missing] = await engine.enqueueAll([create('a'), { type: 'update', entity: 'note', id: 'none', payload: {} }])
    await Promise.all([done!.settled, missing!.settled])
    await engine.stop()
    expect(lines.slice(-seen.length).map(({ fields }) => fields['event'])).toEqual(seen)
    expect(lines.find(({ message }) => message === 'sync:queued')).toMatchObject({ level: 'debug' })
    expect(lines.find(({ message }) => message === 'engine:started')).toMatchObject({ level: 'info' })
    expect(lines.find(({ message }) => message === 'sync:failed')).toMatchObject({
      level: 'warn',
      fields: {
        event: 'sync:failed',
        at: expect.any(Number),
        operation: {
          id: missing!.id,
          entity: 'note',
          entityId: 'none',
          status: 'rejected',
          attempts: 1,
          error: { code: 'client', status: 404 },
        },
      },
    })
    expect(lines.find(({ fields }) => fields['event'] === 'alert:raised')).toMatchObject({
      level: 'warn',
      message: expect.stringContaining('was rejected'),
    })
  })

  it('B17 gets no payload, neither of operations nor of conflicts', async () => {
    const { logger, lines } = listLogger()
    const engine = await world.started({ logger, entities: { note: { conflict: 'manual' } } })
    await (
      await engine.enqueue(create('a', { title: 'payload-1' }))
    ).settled
    await fetch(`${world.url}/note/a`, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/merge-patch+json', 'Idempotency-Key': '"other"' },
      body: '{"title":"payload-2"}',
    })
    await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'payload-3' } })
    await eventOf(engine, 'sync:parked')
    expect(lines.find(({ message }) => message === 'conflict:detected')?.fields['conflict']).toMatchObject({
      type: 'update-update',
      strategy: 'manual',
      fields: ['title'],
    })
    expect(JSON.stringify(lines)).not.toContain('payload-')
  })

  it('B17 that throws or rejects harms nobody', async () => {
    const fail = (): never => {
      throw new Error('The log is full.')
    }
    const reject = (): unknown => Promise.reject(new Error('The log is full.'))
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const logger = { debug: reject, info: fail, warn: fail, error: reject }
    const engine = await world.started({ logger, inspect: transitionLog(logger) })
    expect(await (await engine.enqueue(create('a'))).settled).toEqual({ status: 'done' })
    await engine.stop()
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })

  it('B17 of the console writes what is of its level or above', async () => {
    const spies = (['debug', 'info', 'warn', 'error'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation(() => {}),
    )
    try {
      const engine = await world.started({ logger: consoleLogger({ level: 'warn' }) })
      await (
        await engine.enqueue({ type: 'update', entity: 'note', id: 'none', payload: {} })
      ).settled
      const [debug, info, warn] = spies
      expect(debug).not.toHaveBeenCalled()
      expect(info).not.toHaveBeenCalled()
      expect(warn).toHaveBeenCalledWith('synchart sync:failed', expect.objectContaining({ event: 'sync:failed' }))
      // @ts-expect-error What JavaScript may pass.
      expect(() => consoleLogger({ level: 'loud' })).toThrow('level')
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  })

  it.each([null, 'debug'])('D5 of the console says what is wrong with %j for its options', (options) => {
    // @ts-expect-error What JavaScript may pass.
    expect(() => consoleLogger(options)).toThrow(expect.objectContaining({ name: 'ValidationError', path: 'options' }))
  })

  it('C4 in debug mode hears of the transitions of every machine too', async () => {
    const { logger, lines } = listLogger()
    const engine = await world.started({ logger, inspect: transitionLog(logger) })
    await (
      await engine.enqueue(create('a', { title: 'payload-1' }))
    ).settled
    const transitions = lines.filter(({ message }) => message === 'transition').map(({ fields }) => fields)
    expect(transitions).toContainEqual({ actor: 'engine', on: 'LOCK.ACQUIRED', to: { running: { owning: 'draining' } } })
    expect(new Set(transitions.map(({ actor }) => actor)).size).toBeGreaterThan(4)
    expect(JSON.stringify(lines)).not.toContain('payload-1')
  })
})

describe('the event bus', () => {
  it('C4 goes on when a subscriber throws, and when what it promises fails', async () => {
    const engine = await world.started()
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    process.on('uncaughtException', unhandled)
    const fail = (): never => {
      throw new Error('A subscriber failed.')
    }
    const reject = (): unknown => Promise.reject(new Error('A subscriber failed later.'))
    const after: string[] = []
    engine.on('sync:queued', fail)
    engine.on('sync:queued', reject)
    engine.events$.subscribe(fail)
    engine.events$.subscribe({ next: reject })
    for (const stream of [engine.state$, engine.view('note').watch(), engine.view('note').watch('a'), engine.conflicts.watch()])
      // What it tells does not matter here.
      (stream as Observable<unknown>).subscribe(fail)
    engine.view('note').changes$.subscribe(fail)
    engine.on('*', ({ type }) => void after.push(type))
    engine.events$.subscribe(({ type }) => void after.push(type))
    expect(await (await engine.enqueue(create('a'))).settled).toEqual({ status: 'done' })
    await new Promise((resolve) => setTimeout(resolve, 0))
    process.off('unhandledRejection', unhandled)
    process.off('uncaughtException', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    expect(after.filter((type) => type === 'sync:completed')).toHaveLength(2)
    expect(engine.history()).toContainEqual(expect.objectContaining({ type: 'engine:error', part: 'subscriber' }))
  })

  it('C4 tells an event once to who listens anew each time that he hears one', async () => {
    const engine = await world.started()
    const heard: string[] = []
    function listen(): void {
      const stop = engine.on('sync:queued', ({ operation }) => {
        stop()
        heard.push(operation.entityId)
        if (heard.length < 100) listen()
      })
    }
    listen()
    await engine.enqueue(create('a'))
    await engine.enqueue(create('b'))
    expect(heard).toEqual(['a', 'b'])
  })

  it('C4 has wildcards, and remembers the last 100', async () => {
    const engine = await world.started()
    const seen = { all: 0, sync: 0, one: 0, none: 0 }
    const stop = engine.on('*', () => void (seen.all += 1))
    engine.on('sync:*', () => void (seen.sync += 1))
    engine.on('sync:completed', () => void (seen.one += 1))
    engine.on('sync:complete', () => void (seen.none += 1))
    const operations = await engine.enqueueAll(Array.from({ length: 60 }, (_, n) => create(`n${n}`)))
    await Promise.all(operations.map(({ settled }) => settled))
    await eventOf(engine, 'drain:completed')
    stop()
    expect(seen).toMatchObject({ sync: 180, one: 60, none: 0 })
    expect(seen.all).toBeGreaterThan(180)
    expect(engine.history()).toHaveLength(100)
    const times = engine.history().map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

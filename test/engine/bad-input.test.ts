import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSyncEngine, ValidationError, type EngineOptions } from '../../src/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { createWorld, type World } from '../support/world.ts'

const good: EngineOptions = {
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: 'http://127.0.0.1:9' }),
  entities: { note: {} },
}

const outOfRange: readonly [path: string, options: object][] = [
  ['storage', { storage: {} }],
  ['transport', { transport: undefined }],
  ['entities', { entities: {} }],
  ['entities', { entities: undefined }],
  ['entities.no/slash', { entities: { 'no/slash': {} } }],
  ['entities.note.conflict', { entities: { note: { conflict: 'theirs' } } }],
  ['entities.note.colour', { entities: { note: { colour: 'red' } } }],
  ['user', { user: '' }],
  ['concurrency', { concurrency: 0 }],
  ['concurrency', { concurrency: 1.5 }],
  ['concurrency', { concurrency: 257 }],
  ['batchSize', { batchSize: 0 }],
  ['coalesce', { coalesce: 'yes' }],
  ['retry.strategy', { retry: { strategy: 'never' } }],
  ['retry.baseMs', { retry: { baseMs: 0 } }],
  ['retry.baseMs', { retry: { baseMs: Number.NaN } }],
  ['retry.capMs', { retry: { baseMs: 1_000, capMs: 10 } }],
  ['retry.maxAttempts', { retry: { maxAttempts: 0 } }],
  ['retry.maxAgeMs', { retry: { maxAgeMs: -1 } }],
  ['retry.base', { retry: { base: 5 } }],
  ['breaker.failureThreshold', { breaker: { failureThreshold: 0 } }],
  ['breaker.windowMs', { breaker: { windowMs: Infinity } }],
  ['breaker.cooldownMs', { breaker: { cooldownMs: '60' } }],
  ['breaker.halfOpenProbes', { breaker: { halfOpenProbes: 0 } }],
  ['breaker.probeTimeoutMs', { breaker: { probeTimeoutMs: 0 } }],
  ['lock.heartbeatMs', { lock: { heartbeatMs: 0 } }],
  ['lock.staleMs', { lock: { heartbeatMs: 1_000, staleMs: 1_500 } }],
  ['lock.pollMs', { lock: { pollMs: 0 } }],
  ['limits.payloadBytes', { limits: { payloadBytes: 1 } }],
  ['limits.payloadDepth', { limits: { payloadDepth: 65 } }],
  ['retention.completedMs', { retention: { completedMs: -1 } }],
  ['retention.completedCount', { retention: { completedCount: 0.5 } }],
  ['ageingMs.low', { ageingMs: { low: -1 } }],
  ['sendTimeoutMs', { sendTimeoutMs: 0 }],
  ['maxReconciliations', { maxReconciliations: -1 }],
  ['stopTimeoutMs', { stopTimeoutMs: -1 }],
  ['authPauseMs', { authPauseMs: 0 }],
  ['colour', { colour: 'red' }],
]

describe('bad options', () => {
  it.each(outOfRange)('D5 names what is wrong with %s: %j', (path, options) => {
    expect(() => createSyncEngine(Object.assign({ ...good }, options))).toThrow(
      expect.objectContaining({ name: 'ValidationError', code: 'validation', path }) as ValidationError,
    )
  })

  it('D5 takes the defaults where an option is undefined', async () => {
    const engine = createSyncEngine({ ...good, retry: { baseMs: undefined }, user: undefined })
    expect(engine.metrics().operations.enqueued).toBe(0)
  })
})

describe('bad input', () => {
  let world: World
  beforeEach(async () => {
    world = await createWorld()
  })
  afterEach(() => world.close())

  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const deep = Array.from({ length: 40 }).reduce<unknown>((inner) => ({ inner }), 1)

  it.each<[path: string, code: string, input: object]>([
    ['operation', 'validation', null as unknown as object],
    ['type', 'validation', { type: 'no good' }],
    ['entity', 'unknown-entity', { entity: 'memo' }],
    ['entity', 'unknown-entity', { entity: '__proto__' }],
    ['id', 'validation', { id: '' }],
    ['id', 'validation', { id: 7 }],
    ['id', 'validation', { id: '..' }],
    ['id', 'validation', { id: 'a\u0000b' }],
    ['id', 'validation', { id: 'x'.repeat(1_025) }],
    ['payload', 'validation', { payload: undefined }],
    ['payload', 'validation', { payload: 'text' }],
    ['payload', 'validation', { type: 'delete', payload: { n: 1 } }],
    ['payload.at', 'validation', { payload: { at: new Date(0) } }],
    ['payload.n', 'validation', { payload: { n: Number.NaN } }],
    ['payload.n', 'validation', { payload: { n: 1n } }],
    ['payload.gone', 'validation', { payload: { gone: undefined } }],
    ['payload.f', 'validation', { payload: { f: () => 1 } }],
    ['payload.list[1]', 'validation', { payload: { list: [1, Symbol('x')] } }],
    ['payload.constructor', 'validation', { payload: { constructor: 1 } }],
    ['payload', 'too-large', { payload: { text: 'x'.repeat(300_000) } }],
    ['priority', 'validation', { priority: 'urgent' }],
    ['dependsOn', 'validation', { dependsOn: 'op' }],
    ['dependsOn', 'unknown-dependency', { dependsOn: ['nobody'] }],
    ['idempotencyKey', 'validation', { idempotencyKey: 'with "quotes"' }],
    ['dedupeKey', 'validation', { dedupeKey: '' }],
    ['baseVersion', 'validation', { baseVersion: 'é' }],
  ])('S3 refuses a wrong %s (%s) and keeps nothing of it: %o', async (path, code, wrong) => {
    const engine = await world.started()
    const input = wrong === null ? null : { type: 'create', entity: 'note', id: 'a', payload: { n: 1 }, ...wrong }
    const refused = engine.enqueue(input as never)
    await expect(refused).rejects.toMatchObject({ name: 'ValidationError', code, path })
    expect(await engine.operations.count('live')).toBe(0)
    const next = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { n: 2 } })
    expect(await next.settled).toEqual({ status: 'done' })
    expect(world.notes()).toEqual({ a: { id: 'a', n: 2 } })
  })

  it('S3 refuses what goes round in circles or too deep', async () => {
    const engine = await world.started()
    for (const payload of [cyclic, deep as object]) {
      await expect(engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload })).rejects.toBeInstanceOf(ValidationError)
    }
    expect(await engine.operations.count('live')).toBe(0)
  })

  it('S3 refuses to enqueue before start and after stop, and says what to do', async () => {
    const engine = world.engine()
    const input = { type: 'create', entity: 'note', id: 'a', payload: {} }
    await expect(engine.enqueue(input)).rejects.toMatchObject({ code: 'not-started' })
    await engine.start()
    await engine.stop()
    await expect(engine.enqueue(input)).rejects.toMatchObject({ code: 'not-started' })
  })

  it('S29 a payload with __proto__ of its own pollutes nothing and is refused', async () => {
    const engine = await world.started()
    const payload: unknown = JSON.parse('{"a":{"__proto__":{"polluted":true}}}')
    await expect(engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload })).rejects.toMatchObject({
      path: 'payload.a.__proto__',
    })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

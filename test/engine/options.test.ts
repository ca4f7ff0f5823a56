import { describe, expect, it } from 'vitest'
import { createSyncEngine, DEFAULTS, NetworkError, ValidationError, type EngineOptions } from '../../src/index.ts'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { memoryStorage } from '../../src/adapters/memory.ts'
import { createWorld } from '../support/world.ts'

const good = (): EngineOptions => ({
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: 'http://127.0.0.1:1' }),
  entities: { note: {} },
})

/** The path that the error names, as `retry.baseMs`. */
function refusedPath(options: unknown): string {
  try {
    // @ts-expect-error What JavaScript may pass.
    createSyncEngine(options)
  } catch (error) {
    if (error instanceof ValidationError) return error.path
    throw error
  }
  return 'accepted'
}

const nested = (path: string, value: unknown): object => {
  const [first = '', second] = path.split('.')
  return { ...good(), [first]: second === undefined ? value : { [second]: value } }
}

const TOO_MANY_MS = 10 * 365 * 86_400_000 + 1
/** For each option: what is just in range, and what is just out of it. */
const RANGES: Readonly<Record<string, { readonly in: readonly unknown[]; readonly out: readonly unknown[] }>> = {
  user: { in: ['u', 'ü', '😀'], out: ['', 1, null, '\ud83d'] },
  concurrency: { in: [1, 256], out: [0, 257, 1.5, '6', null] },
  batchSize: { in: [1, 1_000], out: [0, 1_001, 1.5] },
  coalesce: { in: [true, false], out: ['yes', 1, null] },
  'retry.strategy': { in: ['linear', 'constant', 'decorrelated', () => 1], out: ['fast', 1, null] },
  'retry.baseMs': { in: [1, 0.5 + 0.5], out: [0, -1, NaN, '500', TOO_MANY_MS] },
  'retry.capMs': { in: [500, 60_000], out: [499, Infinity] },
  'retry.maxAttempts': { in: [1, 1_000_000], out: [0, 1_000_001, 1.5] },
  'retry.maxAgeMs': { in: [1], out: [0, TOO_MANY_MS] },
  'breaker.failureThreshold': { in: [1, 100_000], out: [0, 100_001] },
  'breaker.windowMs': { in: [1], out: [0, NaN] },
  'breaker.cooldownMs': { in: [1], out: [0, NaN] },
  'breaker.halfOpenProbes': { in: [1, 256], out: [0, 257] },
  'breaker.probeTimeoutMs': { in: [1], out: [0, NaN] },
  'lock.heartbeatMs': { in: [1], out: [0, NaN] },
  'lock.staleMs': { in: [20_000], out: [19_999, NaN] },
  'lock.pollMs': { in: [1], out: [0, NaN] },
  'limits.payloadBytes': { in: [2, 64 * 1_048_576], out: [1, 64 * 1_048_576 + 1] },
  'limits.payloadDepth': { in: [1, 64], out: [0, 65] },
  'retention.completedMs': { in: [0], out: [-1, NaN] },
  'retention.completedCount': { in: [0, 100_000_000], out: [-1, 100_000_001] },
  'retention.conflictMs': { in: [0], out: [-1, NaN] },
  'retention.conflictCount': { in: [0, 100_000_000], out: [-1, 100_000_001] },
  'realtime.channel': { in: [() => ({ send() {}, close() {} })], out: ['ws://127.0.0.1', {}, null] },
  'realtime.heartbeatMs': { in: [100], out: [99, NaN, null] },
  'realtime.connectTimeoutMs': { in: [1], out: [0, NaN, null] },
  'realtime.fallbackMs': { in: [1], out: [0, NaN, null] },
  'realtime.retry': {
    in: [{ strategy: 'constant', baseMs: 1, capMs: 1, maxAttempts: Infinity }],
    out: ['often', null],
  },
  'retry.budget': {
    in: [
      { tokens: 1, ratio: 0 },
      { tokens: 1_000, ratio: 1 },
    ],
    out: [null, 10],
  },
  'pull.everyMs': { in: [0, 100, 300_000], out: [99, 1, -1, NaN, '1000', TOO_MANY_MS, null] },
  'pull.pageSize': { in: [1, 1_000], out: [0, 1_001, 1.5, '10'] },
  'alerts.stuckMs': { in: [1], out: [0, NaN, '1', TOO_MANY_MS] },
  'alerts.quotaShare': { in: [0, 0.5, 1], out: [-0.1, 1.1, NaN, '0.5', null] },
  'audit.keepMs': { in: [1, 3_600_000], out: [0, -1, NaN, '1', TOO_MANY_MS, null] },
  'audit.keepCount': { in: [1, 100_000_000], out: [0, 1.5, 100_000_001, '10', null] },
  'ageingMs.critical': { in: [0], out: [-1, NaN] },
  'ageingMs.high': { in: [0], out: [-1, NaN] },
  'ageingMs.medium': { in: [0], out: [-1, NaN] },
  'ageingMs.low': { in: [0], out: [-1, NaN] },
  sendTimeoutMs: { in: [1], out: [0, NaN, TOO_MANY_MS] },
  maxReconciliations: { in: [0, 1_000], out: [-1, 1_001, 1.5] },
  stopTimeoutMs: { in: [0], out: [-1, NaN] },
  authPauseMs: { in: [1], out: [0, NaN] },
}

describe('options', () => {
  it.each<[unknown, string]>([
    [{}, 'accepted'],
    [{ maxBytes: 16_384 }, 'accepted'],
    [{ maxBytes: 256 * 1_048_576 }, 'accepted'],
    [null, 'recorder'],
    [true, 'recorder'],
    [{ maxByte: 20_000 }, 'recorder.maxByte'],
    [{ maxBytes: 16_383 }, 'recorder.maxBytes'],
    [{ maxBytes: 256 * 1_048_576 + 1 }, 'recorder.maxBytes'],
    [{ maxBytes: null }, 'recorder.maxBytes'],
  ])('F3 with the recorder %j are refused at: %s', (recorder, path) => {
    expect(refusedPath({ ...good(), recorder })).toBe(path)
  })

  it('B1 are all in the table below', () => {
    const paths = Object.entries(DEFAULTS).flatMap(([name, value]) =>
      typeof value === 'object' && name !== 'entities' ? Object.keys(value as object).map((key) => `${name}.${key}`) : [name],
    )
    expect(Object.keys(RANGES).toSorted()).toEqual(paths.filter((path) => path !== 'entities').toSorted())
  })

  it.each(Object.entries(RANGES))('B1 %s is taken in its range, and named when it is out of it', (path, range) => {
    for (const value of [...range.in, undefined]) expect([value, refusedPath(nested(path, value))]).toEqual([value, 'accepted'])
    for (const value of range.out) expect([value, refusedPath(nested(path, value))]).toEqual([value, path])
  })

  it.each<[string, unknown]>([
    ['accepted', { clock: undefined, random: () => 0.5, newId: undefined, connectivity: undefined }],
    ['accepted', { connectivity: { online: () => true, watch: () => () => {} } }],
    ['ports', null],
    ['ports.conectivity', { conectivity: {} }],
    ['ports.random', { random: 0.5 }],
    ['ports.newId', { newId: null }],
    ['ports.clock', { clock: { now: () => 0 } }],
    ['ports.connectivity', { connectivity: () => true }],
  ])('B1 of ports it says: %s', (path, ports) => {
    expect(refusedPath({ ...good(), ports })).toBe(path)
  })

  it.each([
    ['concurency', { ...good(), concurency: 6 }],
    ['retry.base', { ...good(), retry: { base: 1 } }],
    ['retry.__proto__x', { ...good(), retry: { __proto__x: 1 } }],
    ['lock.stale', { ...good(), lock: { stale: 1 } }],
    ['entities.note.strategy', { ...good(), entities: { note: { strategy: 'merge' } } }],
  ])('B1 %s, which is no option, is named', (path, options) => {
    expect(refusedPath(options)).toBe(path)
  })

  it.each([
    ['retry', { ...good(), retry: 5 }],
    ['audit', { ...good(), audit: true }],
    ['audit', { ...good(), audit: null }],
    ['audit.keep', { ...good(), audit: { keep: 1 } }],
    ['entities.note.unaudited', { ...good(), entities: { note: { unaudited: 'password' } } }],
    ['entities.note.unaudited', { ...good(), entities: { note: { unaudited: [''] } } }],
    ['alerts', { ...good(), alerts: [] }],
    ['alerts.stuck', { ...good(), alerts: { stuck: 1 } }],
    ['logger', { ...good(), logger: () => {} }],
    ['logger', { ...good(), logger: { debug() {}, info() {}, warn() {} } }],
    ['logger', { ...good(), logger: null }],
    ['breaker', { ...good(), breaker: [] }],
    ['lock', { ...good(), lock: null }],
    ['entities', { ...good(), entities: {} }],
    ['entities', { ...good(), entities: undefined }],
    ['entities', { ...good(), entities: ['note'] }],
    ['entities.1note', { ...good(), entities: { '1note': {} } }],
    ['entities.a/b', { ...good(), entities: { 'a/b': {} } }],
    ['entities.note', { ...good(), entities: { note: 'merge' } }],
    ['entities.note.conflict', { ...good(), entities: { note: { conflict: 'theirs' } } }],
    ['entities.note.actions', { ...good(), entities: { note: { actions: [] } } }],
    ['entities.note.actions', { ...good(), entities: { note: { actions: null } } }],
    ['entities.note.actions.publish', { ...good(), entities: { note: { actions: { publish: 'published' } } } }],
    ['entities.note.ids', { ...good(), entities: { note: { ids: 'both' } } }],
    ['entities.note.migrations.2', { ...good(), entities: { note: { version: 2, migrations: { 2: () => ({}) } } } }],
    ['entities.note.invariants', { ...good(), entities: { note: { invariants: () => undefined } } }],
    ['invariants', { ...good(), invariants: [] }],
    ['invariants.sum', { ...good(), invariants: { sum: () => undefined } }],
    ['realtime.retry.strategy', { ...good(), realtime: { retry: { strategy: 'fast', baseMs: 1, capMs: 1, maxAttempts: 1 } } }],
    ['pull', { ...good(), pull: 1_000 }],
    ['pull.every', { ...good(), pull: { every: 1_000 } }],
    ['storage', { ...good(), storage: undefined }],
    ['storage', { ...good(), storage: 'notes.db' }],
    ['transport', { ...good(), transport: {} }],
    ['options', undefined],
    ['options', null],
    ['options', 'fast'],
  ])('B1 %s of another kind is named', (path, options) => {
    expect(refusedPath(options)).toBe(path)
  })

  const withScopes = (scopes: unknown): object => ({ ...good(), entities: { note: { scopes } } })

  it.each<[string, unknown]>([
    ['accepted', []],
    ['accepted', ['project:p1', 'project:p2', 'a:b:c', 'ü:😀', `a:${'x'.repeat(254)}`]],
    ['accepted', undefined],
    ['entities.note.scopes', null],
    ['entities.note.scopes', 'project:p1'],
    ['entities.note.scopes', Array.from({ length: 101 }, (_, n) => `n:${n}`)],
    ['entities.note.scopes.0', ['']],
    ['entities.note.scopes.0', ['project']],
    ['entities.note.scopes.0', [':p1']],
    ['entities.note.scopes.0', ['project:']],
    ['entities.note.scopes.0', [1]],
    ['entities.note.scopes.0', ['a:\ud83d']],
    ['entities.note.scopes.1', ['a:b', `a:${'x'.repeat(255)}`]],
    ['entities.note.scopes.2', ['a:b', 'a:c', 'a:b']],
  ])('E5 says %s of scopes', (path, scopes) => {
    expect(refusedPath(withScopes(scopes))).toBe(path)
  })

  it('A11 a strategy of the application that throws waits for the cap, and loses no operation', async () => {
    const world = await createWorld({ store: 'memory' })
    try {
      world.intercept(async (_, send, count) => (count === 1 ? { type: 'unknown', error: new NetworkError('Down.') } : send()))
      const strategy = (): number => {
        throw new Error('not now')
      }
      const engine = await world.started({ retry: { strategy, baseMs: 10, capMs: 20 } })
      const operation = await engine.enqueue({ type: 'create', entity: 'note', id: 'a', payload: {} })
      expect(await operation.settled).toEqual({ status: 'done' })
      expect(world.attempts).toHaveLength(2)
    } finally {
      await world.close()
    }
  })

  it('B1 say in the message what they must be', () => {
    expect(() => createSyncEngine({ ...good(), concurrency: 0 })).toThrow('concurrency: must be a whole number from 1 to 256.')
    expect(() => createSyncEngine({ ...good(), lock: { heartbeatMs: 70_000 } })).toThrow('lock.staleMs')
  })
})

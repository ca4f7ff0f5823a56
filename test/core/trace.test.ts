import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { traceBytes } from '../../src/core/trace-size.ts'
import { createTraceRing } from '../../src/core/trace-ring.ts'
import { traceLineOf } from '../../src/core/trace-line.ts'
import { advance, linesAcross, type TracedActors, type TraceLine } from '../../src/core/trace.ts'
import { VERSION } from '../../src/core/version.ts'

const at = fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 })
const actor = fc.constantFrom('a1', 'a2', 'a3', 'd1t1.2:a17')
const event = fc.constantFrom('OUTCOME', 'xstate.after.poll.lock.waiting', 'sync:completed')
const value = fc.constantFrom('idle', { running: { owning: 'draining' } }, { running: {} })
const status = fc.constantFrom('active', 'done', 'error', 'stopped')
const fields = fc.dictionary(
  fc.constantFrom('operation', 'attempt', 'reason'),
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 64 }),
    fc.integer(),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ),
)
const engine = fc.constantFrom(undefined, 'd1t1')
const line = fc.oneof(
  fc.record({
    type: fc.constant('actor'),
    at,
    actor,
    name: fc.string({ unit: 'binary' }),
    machine: fc.constantFrom(undefined, 'lock'),
    parent: fc.constantFrom(undefined, 'a1'),
    engine,
  }),
  fc.record({
    type: fc.constant('event'),
    at,
    from: fc.option(actor, { nil: undefined }),
    to: actor,
    event,
    fields: fc.option(fields, { nil: undefined }),
  }),
  fc.record({
    type: fc.constant('step'),
    at,
    actor,
    event,
    taken: fc.array(fc.constantFrom('lock.looking:xstate.done.actor.0.lock.looking:1', 'engine:STOP:0')),
    value,
    status: fc.option(status, { nil: undefined }),
  }),
  fc.record({ type: fc.constant('state'), at, actor, value: fc.option(value, { nil: undefined }), status }),
  fc.record({
    type: fc.constant('port'),
    at,
    port: fc.constantFrom('transport', 'storage'),
    call: fc.constantFrom('send', 'scanMany'),
    ok: fc.boolean(),
    result: fc.constantFrom(undefined, 'applied'),
    ms: fc.nat(100_000_000).map((us) => us / 1_000),
    engine,
  }),
  fc.record({ type: fc.constant('notice'), at, event, fields: fc.option(fields, { nil: undefined }), engine }),
) as fc.Arbitrary<TraceLine>

function after(lines: readonly TraceLine[]): readonly unknown[] {
  const actors: TracedActors = new Map()
  for (const one of lines) advance(actors, one)
  return [...actors.values()].map(({ actor, value, machine, status }) => ({ actor, value, machine, status }))
}

describe('a trace', () => {
  it('F3 counts for no line fewer bytes than it has', () => {
    fc.assert(
      fc.property(line, (one) => traceBytes(one) >= Buffer.byteLength(`${JSON.stringify(one)}\n`)),
      { numRuns: 2_000 },
    )
  })

  it('F3 that lost its oldest lines leads to the same actors as the whole one', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 200 }), fc.integer({ min: 200, max: 5_000 }), (lines, maxBytes) => {
        const ring = createTraceRing(maxBytes)
        for (const one of lines) ring.add(one)
        expect(
          after(ring.lines())
            .map((one) => JSON.stringify(one))
            .toSorted(),
        ).toEqual(
          after(lines)
            .map((one) => JSON.stringify(one))
            .toSorted(),
        )
        const [header, ...text] = ring
          .text()
          .trimEnd()
          .split('\n')
          .map((one) => JSON.parse(one))
        expect(after(text)).toEqual(JSON.parse(JSON.stringify(after(ring.lines()))))
        expect(header.dropped).toBeLessThanOrEqual(lines.length)
      }),
    )
  })

  it('F3 says the version of the package', () => {
    expect(JSON.parse(readFileSync('package.json', 'utf8'))).toMatchObject({ version: VERSION })
  })
})

describe('lines that came from elsewhere', () => {
  const step = { type: 'step', at: 1, actor: 'a1', event: 'E', taken: ['t'], value: { a: 'x' } }
  const nested = (depth: number): string => `${'{"a":'.repeat(depth)}"x"${'}'.repeat(depth)}`

  it('F2 F3 are taken without members that no line has, and only if they are what they say', () => {
    expect(traceLineOf({ ...step, junk: 'x'.repeat(1_000), more: {} })).toEqual(step)
    expect(traceLineOf(JSON.parse('{"type":"notice","at":1,"event":"e","__proto__":{"engine":"x"}}'))).toEqual({
      type: 'notice',
      at: 1,
      event: 'e',
    })
    const broken: readonly unknown[] = [
      null,
      [],
      'step',
      { ...step, at: '1' },
      { ...step, at: JSON.parse('1e999') },
      { ...step, type: '__proto__' },
      { ...step, type: 'constructor' },
      { ...step, taken: [1] },
      { ...step, taken: { length: 1 } },
      { ...step, value: null },
      { ...step, value: ['x'] },
      { ...step, status: 'gone' },
      { type: 'state', at: 1, actor: 'a1', status: 'x'.repeat(1_000) },
      { type: 'port', at: 1, port: 'printer', call: 'print', ok: true, ms: 1 },
      { type: 'notice', at: 1, event: 'e', fields: { deep: { er: 1 } } },
      { type: 'notice', at: 1, event: 'e', fields: { trips: JSON.parse('1e999') } },
      { type: 'port', at: 1, port: 'storage', call: 'get', ok: true, ms: JSON.parse('1e999') },
    ]
    expect(broken.filter((line) => traceLineOf(line) !== undefined)).toEqual([])
  })

  it('F2 are refused, and harm nobody, however deep they are', () => {
    expect(traceLineOf({ ...step, value: JSON.parse(nested(20)) })).toBeDefined()
    expect(traceLineOf({ ...step, value: JSON.parse(nested(100_000)) })).toBeUndefined()
  })

  it('F2 where some are missing, what leads over them gives the actors that are there', () => {
    fc.assert(
      fc.property(fc.array(line), fc.array(line), (before, missing) => {
        const [seen, now]: [TracedActors, TracedActors] = [new Map(), new Map()]
        for (const one of before) {
          advance(seen, one)
          advance(now, one)
        }
        for (const one of missing) advance(now, one)
        for (const one of linesAcross([...seen.keys()], now, 7, missing.length)) advance(seen, one)
        const states = (actors: TracedActors): unknown =>
          new Map([...actors].map(([actor, { value, machine }]) => [actor, { value, machine }]))
        expect(states(seen)).toEqual(states(now))
      }),
    )
  })
})

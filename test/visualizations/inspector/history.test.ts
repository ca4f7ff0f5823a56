import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TraceLine } from '../../../src/core/trace.ts'
import { simulate } from '../../../src/testing/simulate.ts'
import { createBands } from '../../../visualizations/inspector/bands.ts'
import { createHistory } from '../../../visualizations/inspector/history.ts'
import { activeStates, advanceMoment, emptyMoment, valueText, type Moment } from '../../../visualizations/inspector/moment.ts'
import { createPlayer } from '../../../visualizations/inspector/player.ts'
import { createRates } from '../../../visualizations/inspector/rates.ts'
import { ALL_TYPES, createMatches, filterOf, lineText } from '../../../visualizations/inspector/search.ts'
import { createTraceReader, readTrace } from '../../../visualizations/inspector/trace-file.ts'

const { trace } = await simulate(3, { keepsTrace: true, shape: { steps: 15 } })
const { header, lines } = readTrace(trace)

function replayed(upTo: number): Moment {
  const moment = emptyMoment()
  for (const line of lines.slice(0, upTo + 1)) advanceMoment(moment, line)
  return moment
}

const plain = ({ actors, operations, conflicts, alerts }: Moment): unknown => [
  [...actors.values()],
  [...operations.values()],
  [...conflicts.values()],
  [...alerts.values()],
]

describe('the history of a trace', () => {
  it('F2 F3 gives at any line, in whatever order it is asked, what a replay up to there gives', () => {
    const history = createHistory({ every: 50 })
    for (const line of lines) history.append(line)
    fc.assert(
      fc.property(fc.array(fc.nat({ max: lines.length - 1 }), { minLength: 1, maxLength: 8 }), (places) => {
        for (const at of places) expect(plain(history.moment(at))).toEqual(plain(replayed(at)))
      }),
      { numRuns: 25 },
    )
  })

  it('F2 keeps no more lines than its limit, and still knows the state at those that are left', () => {
    const history = createHistory({ limit: 400, every: 100 })
    for (const line of lines) history.append(line)
    expect(lines.length).toBeGreaterThan(1_000)
    expect(history.end()).toBe(lines.length)
    expect(history.end() - history.first()).toBeLessThanOrEqual(500)
    for (const at of [history.first(), history.first() + 150, history.end() - 1])
      expect(plain(history.moment(at))).toEqual(plain(replayed(at)))
    expect(history.line(history.first() - 1)).toBeUndefined()
  })

  it('F2 holds no more than its bounds after many times as much, and still goes to any line that it has', () => {
    const bounds = { limit: 500, maxBytes: 60_000, every: 40 }
    const history = createHistory(bounds)
    const told: TraceLine[] = []
    const tell = (line: TraceLine): void => {
      told.push(line)
      history.append(line)
      const { lines: kept, bytes } = history.size()
      expect(kept).toBeLessThanOrEqual(bounds.limit)
      expect(bytes).toBeLessThanOrEqual(bounds.maxBytes)
    }
    tell({ type: 'actor', at: 0, actor: 'a0', name: 'engine', machine: 'engine' })
    for (let i = 1; i <= 5_000; i++) {
      tell({ type: 'actor', at: i, actor: `a${i}`, name: `one-${i}` })
      tell({ type: 'step', at: i, actor: 'a0', event: 'E', taken: [], value: `state${i}` })
      tell({ type: 'notice', at: i, event: 'sync:queued', fields: { operation: `o${i}`, status: 'queued' } })
      tell({ type: 'notice', at: i, event: 'alert:raised', fields: { alert: `of ${i}` } })
      tell({ type: 'state', at: i, actor: `a${i}`, status: 'stopped' })
    }
    const { names, checkpoints } = history.size()
    expect(names).toBeLessThanOrEqual(bounds.limit)
    expect(checkpoints).toBeLessThanOrEqual(bounds.limit / 2)
    expect(history.end()).toBe(told.length)
    expect(history.nameOf('a0')).toBe('engine')
    expect([history.nameOf('a5000'), history.nameOf('a1')]).toEqual(['one-5000', 'a1'])
    for (const at of [history.end() - 1, history.first(), history.first() + 17, history.end() - 60]) {
      const last = told.slice(0, at + 1).findLast((line) => line.type === 'step')
      expect(history.moment(at).actors.get('a0')?.value).toBe(last?.type === 'step' ? last.value : undefined)
      expect(history.line(at)).toBe(told[at])
      expect(history.moment(at).operations.size + history.moment(at).alerts.size).toBeLessThanOrEqual(601)
    }
  })

  it('F2 holds no more text than its bound when lines are as long as anybody likes', () => {
    const history = createHistory({ maxBytes: 1_000_000 })
    for (let i = 0; i < 50; i++) history.append({ type: 'notice', at: i, event: 'x'.repeat(i % 2 === 0 ? 300_000 : 10) })
    expect(history.size().bytes).toBeLessThanOrEqual(1_000_000)
    expect(history.end()).toBe(50)
    expect(history.line(49)).toMatchObject({ at: 49 })
    history.append({ type: 'notice', at: 51, event: 'x'.repeat(2_000_000) })
    expect(history.size().lines).toBe(1)
  })

  it('F2 plays on where a clock was set back', () => {
    const history = createHistory()
    for (const at of [1_000, 2_000, 500, 600, 2_500, 9_000]) history.append({ type: 'notice', at, event: 'e' })
    const player = createPlayer(history, () => {})
    player.go(0)
    player.toggle(0)
    player.tick(1_000)
    expect(player.position()).toBe(3)
    player.tick(1_500)
    expect(player.position()).toBe(4)
  })

  it('F2 waits for a second at most where nothing happens for longer, at whatever speed, and says how much it skips', () => {
    const history = createHistory()
    for (const at of [0, 3_200, 3_300, 20_000]) history.append({ type: 'notice', at, event: 'e' })
    const player = createPlayer(history, () => {})
    player.go(0)
    expect(player.gap()).toBeUndefined()
    player.toggle(0)
    player.tick(999)
    expect([player.position(), player.gap()]).toEqual([0, 3_200])
    player.tick(1_000)
    expect([player.position(), player.gap()]).toEqual([1, undefined])
    player.tick(1_100)
    expect([player.position(), player.gap()]).toEqual([2, 16_700])
    player.setSpeed(20, 1_100)
    expect(player.gap()).toBeUndefined()
    player.tick(1_900)
    expect(player.position()).toBe(2)
    player.tick(1_935)
    expect([player.position(), player.isPlaying()]).toEqual([3, false])
  })

  it('F2 steps, jumps from transition to transition and plays at any speed, forward and back', () => {
    const history = createHistory()
    for (const line of lines) history.append(line)
    const player = createPlayer(history, () => {})
    expect([player.position(), player.isLive()]).toEqual([lines.length - 1, true])
    player.go(0)
    player.step(1)
    expect(player.position()).toBe(1)
    player.toStep(1)
    const at = player.position()
    expect([lines[at]?.type, lines.slice(2, at).some(({ type }) => type === 'step')]).toEqual(['step', false])
    player.toStep(1)
    player.toStep(-1)
    expect(player.position()).toBe(at)
    player.setSpeed(1_000, 0)
    player.toggle(0)
    player.tick(10)
    const [begun, reached] = [lines[at]!.at, player.position()]
    expect(lines[reached]!.at).toBeLessThanOrEqual(begun + 10_000)
    expect(lines[reached + 1]!.at).toBeGreaterThan(begun + 10_000)
    player.toggle(10)
    expect(player.tick(1_000)).toBe(false)
    player.live()
    expect(player.position()).toBe(lines.length - 1)
  })
})

describe('a trace in the inspector', () => {
  it('F2 is searched by words and by kinds, also while it grows', () => {
    const history = createHistory()
    history.append({ type: 'actor', at: 0, actor: 'a1', name: 'engine' })
    const matches = createMatches(history)
    const tell = (event: string): void => history.append({ type: 'event', at: 1, to: 'a1', event, fields: { operation: 'o1' } })
    matches.set(filterOf('ENGINE out', ['event']))
    tell('OUTCOME')
    tell('ASSIGN')
    history.append({ type: 'notice', at: 2, event: 'engine outcome' })
    expect(matches.list()).toEqual([1])
    tell('OUTCOME')
    expect(matches.list()).toEqual([1, 4])
    matches.set(filterOf('', ALL_TYPES))
    expect(matches.list()).toEqual([0, 1, 2, 3, 4])
    matches.set(filterOf('engine', ALL_TYPES))
    expect([matches.list(2), matches.isComplete()]).toEqual([[0, 1], false])
    expect([matches.list(), matches.isComplete()]).toEqual([[0, 1, 2, 3, 4], true])
    expect(lineText(history.line(1)!, history.nameOf)).toBe('→ engine OUTCOME operation=o1')
  })

  it('F2 is searched by what its rows say, and by the names that stand in the file', () => {
    const history = createHistory()
    history.append({ type: 'actor', at: 0, actor: 'a1', name: 'engine' })
    const operation = '01a22398-284c-76c7-8a85-482fcacb24b9'
    history.append({ type: 'event', at: 1, to: 'a1', event: 'xstate.error.actor.0.engine.opening', fields: { operation } })
    const matches = createMatches(history)
    for (const text of ['opening failed', '…cb24b9', 'xstate.error', operation]) {
      matches.set(filterOf(text, ALL_TYPES))
      expect([text, matches.list()]).toEqual([text, [1]])
    }
  })

  it('F2 is refused with a reason if it is none, newer, or broken in the middle; a last line that was cut off is left out', () => {
    const [first, second] = trace.split('\n')
    expect(header.format).toBe(1)
    expect(() => readTrace('hello')).toThrow('no trace of synchart')
    expect(() => readTrace(JSON.stringify({ ...header, format: 2, version: '9.9.9' }))).toThrow('that of synchart 9.9.9')
    expect(() => readTrace(`${first}\n{"type":"step"}\n${second}\n`)).toThrow('Line 2')
    expect(readTrace(`${first}\n${second}\n{"type":"st`).lines).toHaveLength(1)
  })

  it('F2 is read in pieces, with any line breaks, up to where it is broken', () => {
    const text = trace.split('\n').slice(0, 40).join('\r\n')
    const read: TraceLine[] = []
    const reader = createTraceReader((line) => read.push(line))
    for (const letter of text) reader.push(letter)
    reader.end()
    expect(read).toEqual(readTrace(trace).lines.slice(0, 39))
    const before: TraceLine[] = []
    const broken = createTraceReader((line) => before.push(line))
    expect(() => broken.push(`${trace.split('\n').slice(0, 3).join('\n')}\n{"type":"step"}\n`)).toThrow('Line 4')
    expect(before).toHaveLength(2)
    const endless = `${JSON.stringify(header)}\n${'x'.repeat(5_000_000)}`
    expect(() => createTraceReader(() => {}).push(endless)).toThrow('Line 2 of the trace is too long')
  })

  it('A12 F2 says which alerts are raised, and where the machines were that an engine needs', () => {
    const moment = emptyMoment()
    const bands = createBands()
    const tell = (line: TraceLine): void => {
      advanceMoment(moment, line)
      bands.add(line)
    }
    tell({ type: 'actor', at: 1_000, actor: 'a1', name: 'breaker', machine: 'breaker' })
    tell({ type: 'state', at: 1_000, actor: 'a1', value: 'closed', status: 'active' })
    tell({ type: 'step', at: 3_000, actor: 'a1', event: 'FAILURE', taken: [], value: 'open' })
    tell({ type: 'notice', at: 3_000, event: 'alert:raised', fields: { alert: 'breaker-open' } })
    tell({ type: 'notice', at: 3_500, event: 'alert:raised', fields: { alert: 'dead-letter', operation: 'o1' } })
    expect([...moment.alerts.values()].map(({ alert, since, operation }) => [alert, since, operation])).toEqual([
      ['breaker-open', 3_000, undefined],
      ['dead-letter', 3_500, 'o1'],
    ])
    expect(bands.between(2_000, 4_000)).toEqual([
      {
        machine: 'breaker',
        engine: undefined,
        parts: [
          { from: 2_000, to: 3_000, value: 'closed' },
          { from: 3_000, to: 4_000, value: 'open' },
        ],
      },
    ])
    tell({ type: 'notice', at: 5_000, event: 'alert:cleared', fields: { alert: 'breaker-open' } })
    tell({ type: 'state', at: 5_000, actor: 'a1', status: 'stopped' })
    expect([...moment.alerts.values()].map(({ alert }) => alert)).toEqual(['dead-letter'])
    expect(bands.between(6_000, 7_000)).toEqual([])
  })

  it('F2 counts by second what was done, put off and refused', () => {
    const rates = createRates()
    const told = (event: string, at: number): TraceLine => ({ type: 'notice', at, event })
    for (const line of [told('sync:completed', 5_000), told('sync:completed', 5_999), told('sync:retry', 7_000)]) rates.add(line)
    expect(rates.until(7_500, 3).map(({ completed, retried }) => [completed, retried])).toEqual([
      [2, 0],
      [0, 0],
      [0, 1],
    ])
  })

  it('F2 names the active states as the drawings do', () => {
    expect(activeStates('operation', 'sending')).toEqual(['operation', 'operation.sending'])
    expect(activeStates('engine', { running: { owning: 'draining' } })).toEqual([
      'engine',
      'engine.running',
      'engine.running.owning',
      'engine.running.owning.draining',
    ])
    expect(activeStates('m', { a: {}, b: 'x' })).toEqual(['m', 'm.a', 'm.b', 'm.b.x'])
    expect(valueText({ running: { owning: 'draining' } })).toBe('running.owning.draining')
  })
})

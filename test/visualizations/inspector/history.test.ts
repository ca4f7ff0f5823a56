import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TraceLine } from '../../../src/core/trace.ts'
import { simulate } from '../../../src/testing/simulate.ts'
import { createHistory } from '../../../visualizations/inspector/history.ts'
import { activeStates, advanceMoment, emptyMoment, valueText, type Moment } from '../../../visualizations/inspector/moment.ts'
import { createPlayer } from '../../../visualizations/inspector/player.ts'
import { createRates } from '../../../visualizations/inspector/rates.ts'
import { ALL_TYPES, createMatches, filterOf, lineText } from '../../../visualizations/inspector/search.ts'
import { readTrace } from '../../../visualizations/inspector/trace-file.ts'

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
    expect(lineText(history.line(1)!, history.nameOf)).toBe('→ engine OUTCOME operation=o1')
  })

  it('F2 is refused with a reason if it is none, newer, or broken in the middle; a last line that was cut off is left out', () => {
    const [first, second] = trace.split('\n')
    expect(header.format).toBe(1)
    expect(() => readTrace('hello')).toThrow('no trace of synchart')
    expect(() => readTrace(JSON.stringify({ ...header, format: 2, version: '9.9.9' }))).toThrow('that of synchart 9.9.9')
    expect(() => readTrace(`${first}\n{"type":"step"}\n${second}\n`)).toThrow('Line 2')
    expect(readTrace(`${first}\n${second}\n{"type":"st`).lines).toHaveLength(1)
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

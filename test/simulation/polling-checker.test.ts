import { expect, it } from 'vitest'
import type { SyncEventBody } from '../../src/engine/event-types.ts'
import type { FactBody } from '../../src/testing/world/facts.ts'
import { saidBy } from '../support/told.ts'

const at = { tab: 'd1.t1', device: 'd1' } as const
const line = (change: 'opening' | 'opened' | 'silent' | 'closed'): FactBody => ({
  type: 'line',
  ...at,
  user: 'u1',
  line: 1,
  change,
})
const event = (body: SyncEventBody): FactBody => ({ type: 'event', ...at, event: { ...body, at: 0 } })
const pulled = event({ type: 'pull:completed', entity: 'note', changes: 0 })
const opened = event({ type: 'breaker:opened', trips: 1, remainingMs: 60_000 })
const lost = event({ type: 'lock:lost' })
const tab = (change: 'starting' | 'started' | 'resumed'): FactBody => ({ type: 'tab', ...at, user: 'u1', build: 1, change })

/** What is said to be violated, where each of these happens a second after the one before, and then nothing for long. */
function invariantsIn(facts: readonly FactBody[]): Promise<readonly string[]> {
  const timed = facts.map((fact, place): [number, FactBody] => [1_000 * (place + 1), fact])
  const last: FactBody = { type: 'read', tab: 'd1.t2', call: 'get meta' }
  const over = 1_000 * facts.length
  return saidBy('polling', [...timed, [over + 10_000, last]], over + 11_000, (settings) => ({
    ...settings,
    lineCount: 1,
    engine: { ...settings.engine, pull: { everyMs: 2_000 } },
  }))
}

it.each<readonly [string, readonly FactBody[]]>([
  ['closes', [line('opened'), pulled, line('closed')]],
  ['never opens', [line('opening'), pulled]],
  [
    'never opens, though the breaker of the engine before was open',
    [line('opening'), opened, tab('starting'), line('opening'), pulled],
  ],
  ['closes, though it opened before the start was told of', [line('opened'), tab('started'), pulled, line('closed')]],
])('L6 tells of who does not pull where its line %s', async (_, facts) => {
  expect(await invariantsIn(facts)).toEqual(['L6'])
})

it.each<readonly [string, readonly FactBody[]]>([
  ['has a line', [line('opened'), pulled]],
  ['has a line that has gone silent', [line('opened'), tab('started'), pulled, line('silent'), pulled]],
  ['owned the lease before, when the breaker opened', [line('opened'), opened, lost, line('opening'), pulled]],
  ['had its line before it was frozen', [line('opened'), tab('resumed'), line('silent'), pulled]],
])('L6 says nothing of who %s', async (_, facts) => {
  expect(await invariantsIn(facts)).toEqual([])
})

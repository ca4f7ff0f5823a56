import type { Page } from 'playwright'
import { traceText } from '../../src/core/trace-text.ts'
import type { TraceLine } from '../../src/core/trace.ts'
import { until } from './inspector-world.ts'

const START = 1_767_225_600_000
const LOCK_PARTS = ['looking', 'claiming', 'following', 'releasing']

/** One engine and its actors; `number` tells it from the others. */
function engineNamed(engine: string, number: number): readonly TraceLine[] {
  const id = (name: string): string => `e${number}:${name}`
  const made = (name: string, value: string, machine = name): readonly TraceLine[] => [
    { type: 'actor', at: START, actor: id(name), name, machine, engine, ...(name === 'engine' ? {} : { parent: id('engine') }) },
    { type: 'state', at: START, actor: id(name), value, status: 'active' },
  ]
  return [
    ...made('engine', 'booting'),
    { type: 'step', at: START, actor: id('engine'), event: 'OPENED', taken: [], value: { running: { owning: 'draining' } } },
    ...made('breaker', 'closed'),
    ...made('lock', 'looking'),
    ...made('connectivity', 'online'),
    ...made('slot-1', 'idle', 'operation'),
    ...LOCK_PARTS.map((part): TraceLine => ({
      type: 'actor',
      at: START,
      actor: id(part),
      name: `0.lock.${part}`,
      parent: id('lock'),
      engine,
    })),
  ]
}

/** An operation is sent within four milliseconds, from 100 on; it is `status` then. */
function sent(engine: string, number: number, operation: string, at: number, status: 'done' | 'rejected'): readonly TraceLine[] {
  const slot = `e${number}:slot-1`
  const time = START + at
  const step = (ms: number, event: string, taken: string, value: string): TraceLine => ({
    type: 'step',
    at: time + ms,
    actor: slot,
    event,
    taken: [`operation.${taken}:${event}:0`],
    value,
  })
  const told = (ms: number, event: string, now: string, attempts: number): TraceLine => ({
    type: 'notice',
    at: time + ms,
    event,
    fields: { operation, status: now, attempts, type: 'update', entity: 'note' },
    engine,
  })
  const fields = status === 'done' ? { operation, outcome: 'applied' } : { operation, outcome: 'rejected', error: 'client' }
  return [
    told(0, 'sync:queued', 'queued', 0),
    { type: 'event', at: time, to: slot, event: 'ASSIGN', fields: { operation } },
    step(1, 'ASSIGN', 'idle', 'sending'),
    { type: 'event', at: time + 3, to: slot, event: 'OUTCOME', fields },
    step(3, 'OUTCOME', 'sending', 'recording'),
    step(4, 'RECORDED', 'recording', 'idle'),
    told(4, status === 'done' ? 'sync:completed' : 'sync:failed', status, 1),
  ]
}

/** Everyone in the tree of the lock is told something, then the breaker moves, and so much later the lock. */
const ENDED: readonly TraceLine[] = [
  ...LOCK_PARTS.map((part): TraceLine => ({
    type: 'event',
    at: START + 300,
    from: 'e1:lock',
    to: `e1:${part}`,
    event: `FIRST.${part}`,
  })),
  ...['engine', 'breaker', 'connectivity'].map((to): TraceLine => ({
    type: 'event',
    at: START + 301,
    from: 'e1:engine',
    to: `e2:${to}`,
    event: 'TOLD',
  })),
  { type: 'event', at: START + 302, from: 'e2:lock', to: 'e2:releasing', event: 'LAST' },
  { type: 'step', at: START + 303, actor: 'e1:breaker', event: 'FAILURE', taken: ['breaker.closed:FAILURE:0'], value: 'open' },
  { type: 'notice', at: START + 304, event: 'network:online', engine: 'desk' },
  { type: 'step', at: START + 3_600_000, actor: 'e2:lock', event: 'HELD', taken: [], value: 'following' },
]

/** Two engines, one of them with an operation that was done and the other with one that was rejected, and an hour in which nothing happens. */
export const TRACE: readonly TraceLine[] = [
  ...engineNamed('desk', 1),
  ...engineNamed('phone', 2),
  ...sent('desk', 1, 'o1', 100, 'done'),
  ...sent('phone', 2, 'o2', 200, 'rejected'),
  ...ENDED,
]

/** Opens these lines in a page of the inspector; it stands at the first then. */
export async function openTrace(page: Page, lines: readonly TraceLine[] = TRACE): Promise<void> {
  const text = traceText({ actors: new Map(), at: START }, lines, 0)
  const file = { name: 'trace.ndjson', mimeType: 'application/x-ndjson', buffer: Buffer.from(text) }
  await page.getByLabel('Open a trace').setInputFiles(file)
  await until(page, `document.querySelector('.message-bar').innerText.includes(' ${lines.length} lines.')`)
}

/** The line that the page shows, once it has drawn. */
export const lineShown = (page: Page): Promise<number> =>
  page.evaluate(
    `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(Number(document.querySelector('.inspector').dataset.at)))))`,
  )

/** Goes to a line as somebody who drags the slider. */
export const goTo = (page: Page, line: number): Promise<void> => page.getByLabel('Line of the trace').fill(String(line))

import { expect } from 'vitest'
import type { EngineOptions, SyncEngine } from '../../src/index.ts'
import { eventOf } from './events.ts'

/** What an engine tells of itself, on whatever store: events by pattern, lines of a log, an alert, and statistics that outlive it. */
export async function tellsOfItself(make: (options: Partial<EngineOptions>) => SyncEngine): Promise<void> {
  const lines: string[] = []
  const line = (message: string, fields: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const first = make({ logger: { debug: line, info: line, warn: line, error: line } })
  const syncs: string[] = []
  const alerts: string[] = []
  first.on('sync:*', ({ type }) => void syncs.push(type))
  first.on('alert:raised', ({ alert }) => void alerts.push(alert))
  await first.start()
  const done = await first.enqueue({ type: 'create', entity: 'note', id: 'a', payload: { title: 'canary-7b' } })
  expect(await done.settled).toEqual({ status: 'done' })
  const dead = await first.enqueue({ type: 'update', entity: 'note', id: 'none', payload: { title: 'canary-7b' } })
  expect(await dead.settled).toMatchObject({ status: 'rejected' })
  await eventOf(first, 'alert:raised')
  expect(alerts).toEqual(['dead-letter'])
  expect(new Set(syncs)).toEqual(new Set(['sync:queued', 'sync:started', 'sync:completed', 'sync:failed']))
  expect(first.history().map(({ type }) => type)).toEqual(expect.arrayContaining(['engine:started', 'alert:raised']))
  await first.stop()
  expect(lines.some((one) => one.startsWith('sync:failed '))).toBe(true)
  expect(lines.join('\n')).not.toContain('canary-7b')

  const second = make({})
  await second.start()
  expect(await second.statistics.get()).toMatchObject({ enqueued: 2, done: 1, rejected: 1 })
  await second.statistics.reset()
  await second.stop()

  const third = make({})
  await third.start()
  expect(await third.statistics.get()).toMatchObject({ enqueued: 0, done: 0, rejected: 0 })
  await third.stop()
}

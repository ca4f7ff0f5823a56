import type { SyncEngine, SyncEvent } from '../../src/index.ts'

/** The next event that matches, or one that the engine remembers. */
export function eventOf(
  engine: SyncEngine,
  type: SyncEvent['type'],
  matches: (event: SyncEvent) => boolean = () => true,
): Promise<SyncEvent> {
  return new Promise((resolve) => {
    const known = engine.history().find((event) => event.type === type && matches(event))
    if (known !== undefined) return resolve(known)
    const stop = engine.on(type, (event) => {
      if (!matches(event)) return
      stop()
      resolve(event)
    })
  })
}

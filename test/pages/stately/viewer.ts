import { createBrowserReceiver, type StatelyInspectionEvent } from '@statelyai/inspect'

/** In the place of Stately's viewer. */
const received: StatelyInspectionEvent[] = []
createBrowserReceiver().subscribe((event) => void received.push(event))

/** Where each machine of an engine is, as far as one was told. */
function values(engine: string): readonly string[] {
  const machines = new Map<string, string>()
  const shown = new Map<string, string>()
  for (const event of received) {
    if (event.type === '@xstate.actor') {
      const { id, states } = JSON.parse(event.definition ?? '{}') as { id: string; states?: object }
      if (states !== undefined) machines.set(event.sessionId, id)
    } else if (event.type === '@xstate.snapshot') {
      const { status, value } = event.snapshot as { status: string; value?: unknown }
      if (status === 'active' && machines.has(event.sessionId))
        shown.set(event.sessionId, `${machines.get(event.sessionId)} ${JSON.stringify(value)}`)
      else shown.delete(event.sessionId)
    }
  }
  return [...shown].filter(([actor]) => actor.startsWith(`${engine}:`)).map(([, value]) => value)
}

Object.assign(globalThis, { received, values })

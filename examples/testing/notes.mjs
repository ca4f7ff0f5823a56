// The application under test: notes that are saved with or without a network, and a badge that says how that goes.
import { createSyncEngine } from 'synchart'
import { createActor } from 'xstate'
import { badgeMachine } from './badge.mjs'

/** `ports` and `clock` are for tests; in the application they are left out. */
export function createNotes({ storage, transport, ports, clock }) {
  const engine = createSyncEngine({ storage, transport, ports, entities: { note: {} } })
  const badge = createActor(badgeMachine, { ...(clock && { clock }) })
  const unsaved = new Set()

  engine.on('sync:queued', ({ operation }) => {
    unsaved.add(operation.id)
    badge.send({ type: 'SAVE' })
  })
  engine.on('sync:completed', ({ operation }) => {
    unsaved.delete(operation.id)
    if (unsaved.size === 0) badge.send({ type: 'SAVED' })
  })
  engine.on('sync:failed', ({ operation }) => {
    unsaved.delete(operation.id)
    badge.send({ type: 'REFUSED' })
  })
  engine.on('network:*', ({ type }) => badge.send({ type: type === 'network:online' ? 'ONLINE' : 'OFFLINE' }))

  return {
    badge,
    async open() {
      badge.start()
      await engine.start()
    },
    /** Resolves when the note is safe on the device, with its operation. */
    add: (id, text) => engine.enqueue({ type: 'create', entity: 'note', id, payload: { text } }),
    async close() {
      await engine.stop()
      badge.stop()
    },
  }
}

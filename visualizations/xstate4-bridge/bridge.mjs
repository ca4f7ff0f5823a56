import { State, toSCXMLEvent } from 'xstate'
import { machines4 } from './machines.mjs'

/**
 * Shows the machines of an engine to `@xstate/inspect`: gives what `engine.recorder.watch` is to be given, or every line of a trace. `devTools` is `createDevTools()`, which `inspect`
 * gets too. Names go before the ids of actors, to tell several engines apart. The viewer is told what a trace holds, and nothing that it sends reaches the engine.
 */
export function createBridge(devTools, name = 'engine') {
  /** Of actors that are no machines there is only the parent: XState 4 has no definition to show of them. */
  const actors = new Map()

  function serviceAbove(actor) {
    const parent = actors.get(actor)?.parent
    return parent === undefined ? undefined : (actors.get(parent)?.service ?? serviceAbove(parent))
  }

  function moved({ actor, value, status = 'active', event = 'xstate.init' }) {
    const known = actors.get(actor)
    if (known === undefined) return
    if (known.machine !== undefined && value !== undefined) {
      const state = stateOf(known.machine, value, { type: event })
      if (known.service === undefined) {
        known.service = createService({ ...known, sessionId: `${name}:${actor}`, parent: serviceAbove(actor), state })
        devTools.register(known.service)
      } else known.service.update(state)
    }
    if (status === 'active') return
    actors.delete(actor)
    known.service?.stop()
  }

  return (line) => {
    if (line.type === 'actor')
      actors.set(line.actor, { id: line.name, machine: machines4.get(line.machine), parent: line.parent })
    else if (line.type === 'event') actors.get(line.to)?.service?.send({ type: line.event, fields: line.fields })
    else if (line.type === 'step' || line.type === 'state') moved(line)
  }
}

function stateOf(machine, value, event) {
  const told = { value, context: {}, _event: toSCXMLEvent(event), configuration: [], transitions: [], children: {} }
  return machine.resolveState(new State(told))
}

/** What `@xstate/inspect` reads of a service, and nothing that runs. It puts its own `send` around this one, to be told of events. */
function createService({ id, sessionId, parent, machine, state }) {
  const listeners = new Set()
  const stopListeners = new Set()
  const service = {
    id,
    sessionId,
    parent,
    machine,
    state,
    send: () => service.state,
    subscribe(listener) {
      listeners.add(listener)
      listener(service.state)
      return { unsubscribe: () => void listeners.delete(listener) }
    },
    onStop(listener) {
      stopListeners.add(listener)
      return service
    },
    update(next) {
      service.state = next
      for (const listener of listeners) listener(next)
    },
    stop() {
      for (const listener of stopListeners) listener()
    },
  }
  return service
}

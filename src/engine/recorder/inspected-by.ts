import type { InspectionEvent } from 'xstate'
import { callGuarded } from '../../core/call-guarded.ts'
import { withRoot, type Inspect } from '../tell-directly.ts'
import type { FlightRecorder } from './recorder.ts'

/** Who looks at this engine's actors; undefined if nobody does, for then XState need not tell. If the application's own function throws, `failed` is told: XState would let the actor die of it. */
export function inspectedBy(
  recorder: FlightRecorder | undefined,
  inspectToo: ((event: InspectionEvent) => void) | undefined,
  failed: (error: unknown) => void,
): Inspect | undefined {
  if (inspectToo === undefined) return recorder?.inspect
  return (event) => {
    recorder?.inspect(event)
    callGuarded(inspectToo, withRoot(event), failed)
  }
}

/** In a system of the application only what is below this actor is the engine's. */
export function onlyBelow(root: object, inspect: Inspect): Inspect {
  return (event) => {
    if (isBelow(event.actorRef, root)) inspect(event)
  }
}

function isBelow(actor: object, root: object): boolean {
  const { _parent: parent }: { readonly _parent?: unknown } = actor
  return typeof parent === 'object' && parent !== null && (parent === root || isBelow(parent, root))
}

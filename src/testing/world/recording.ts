import type { InspectionEvent } from 'xstate'

type Ref = Extract<InspectionEvent, { type: '@xstate.snapshot' }>['actorRef']

export type MachineBoard = ReturnType<typeof createMachineBoard>

/** The machines of one engine as they are, whatever its recorder says of them. */
export function createMachineBoard() {
  const machines = new Map<Ref, string>()

  return {
    inspect(event: InspectionEvent): void {
      if (event.type !== '@xstate.snapshot') return
      const { snapshot, actorRef } = event
      if (!('machine' in snapshot) || !('logic' in actorRef)) return
      const { logic } = actorRef
      if (typeof logic === 'object' && logic !== null && 'id' in logic) machines.set(actorRef, String(logic.id))
    },
    /** Those that go on, each with its state, in an order that does not depend on when they were made. */
    states(): readonly string[] {
      const found: string[] = []
      for (const [ref, machine] of machines) {
        const snapshot: unknown = ref.getSnapshot()
        const isActive = isMachine(snapshot) && snapshot.status === 'active'
        if (isActive) found.push(`${machine} ${JSON.stringify(snapshot.value)}`)
        else machines.delete(ref)
      }
      return found.toSorted()
    },
  }
}

function isMachine(snapshot: unknown): snapshot is { readonly status: string; readonly value: unknown } {
  return typeof snapshot === 'object' && snapshot !== null && 'status' in snapshot && 'value' in snapshot
}

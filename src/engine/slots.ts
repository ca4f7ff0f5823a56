import { createActor } from 'xstate'
import { operationMachine, type OperationActor, type OperationEvent } from '../../machines/operation.ts'
import type { OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import type { Clock } from '../core/ports.ts'
import { machineClock } from './machine-clock.ts'
import { tellDirectly, type Inspect } from './tell-directly.ts'

/** What the operation machine has done for it. Each effect answers the slot with an event. */
export interface OperationEffects {
  send(slot: OperationActor, row: OperationRow): void
  abort(slot: OperationActor): void
  reconcile(slot: OperationActor, row: OperationRow): void
  rollBack(slot: OperationActor, row: OperationRow): void
  record(slot: OperationActor, row: OperationRow, event: OperationEvent): void
  expire(slot: OperationActor, row: OperationRow): void
  reportAuth(): void
  /** The slot is idle; the row that it played last, if any. */
  vacate(slot: OperationActor, row: OperationRow | undefined): void
  /** The slot died. */
  fail(slot: OperationActor, error: unknown): void
}

type MachineActions = NonNullable<Parameters<typeof operationMachine.provide>[0]['actions']>
type Effect = 'send' | 'abort' | 'reconcile' | 'rollBack' | 'record' | 'expire' | 'reportAuth' | 'vacate'

/** A pool of operation actors. A slot that dies is reported and left out; the pool makes a new one when it is next needed. */
export function createSlots(settings: Settings, clock: Clock, effects: OperationEffects, inspect: Inspect | undefined) {
  const all = new Set<{ stop(): unknown }>()
  const free: OperationActor[] = []
  const logic = operationMachine.provide({ actions: provided(effects, free) })
  const { retry, ageingMs, maxReconciliations, sendTimeoutMs } = settings
  let made = 0

  function make(): OperationActor {
    const slot = createActor(logic, {
      id: `slot-${++made}`,
      input: { retry, ageingMs, maxReconciliations, sendTimeoutMs },
      clock: machineClock(clock),
    })
    if (inspect !== undefined) tellDirectly(slot, inspect)
    all.add(slot)
    slot.subscribe({
      error: (error) => {
        all.delete(slot)
        effects.fail(slot, error)
      },
    })
    slot.start()
    return free.pop() ?? slot
  }

  return {
    take: (): OperationActor => free.pop() ?? make(),
    stopAll(): void {
      for (const slot of all) slot.stop()
      all.clear()
      free.length = 0
    },
  }
}

function provided(effects: OperationEffects, free: OperationActor[]): MachineActions {
  const actions: Required<Pick<MachineActions, Effect>> = {
    send: ({ context, self }) => withRow(context.row, (row) => effects.send(self, row)),
    abort: ({ self }) => effects.abort(self),
    reconcile: ({ context, self }) => withRow(context.row, (row) => effects.reconcile(self, row)),
    rollBack: ({ context, self }) => withRow(context.row, (row) => effects.rollBack(self, row)),
    record: ({ context, self, event }) => withRow(context.row, (row) => effects.record(self, row, event)),
    expire: ({ context, self }) => withRow(context.row, (row) => effects.expire(self, row)),
    reportAuth: () => effects.reportAuth(),
    vacate: ({ context, self }) => {
      free.push(self)
      effects.vacate(self, context.row)
    },
  }
  return actions
}

function withRow(row: OperationRow | undefined, run: (row: OperationRow) => void): void {
  if (row !== undefined) run(row)
}

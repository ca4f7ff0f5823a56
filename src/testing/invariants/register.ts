import { isTerminal, keyOfUser, laneOf, type OperationRow } from '../../core/operation.ts'
import { sessionName } from '../../core/session.ts'
import { isDecay } from '../faults/kinds.ts'
import type { Fact, RowChange, Sent } from '../world/facts.ts'
import { watchDecay } from './decayed.ts'
import { rowsIn } from './replicas.ts'

/** An operation over its whole life, across restarts, owners and lost rows. */
export interface Known {
  readonly id: string
  readonly device: string
  readonly seq: number
  readonly user: string
  readonly lane: string
  /** As it was last committed; stays when the row is gone. */
  row: OperationRow
  /** Still in the store. */
  isStored: boolean
  /** An enqueue that resolved named it. */
  isAccepted: boolean
  /** A fault lost, damaged or set back its row, or made the server forget it: not everything can be kept for it. */
  isTainted: boolean
  /** Its row may be gone, or can't be read. What is only misplaced is not: that is never lost. */
  isLost: boolean
  /** How often a write of it left and was not turned away at the door: with a 401 nobody has looked at it, nor at its key. */
  sends: number
  /** Under which keys. */
  readonly keys: Set<string>
  /** How often the server may take effect more than once, for it forgot: each time once more for each key, whose requests may still be on their way. */
  forgiven: number
}

export interface Register {
  all(): IterableIterator<Known>
  byId(id: string): Known | undefined
  /** By the key on the wire, derived ones included. */
  byKey(user: string, key: string): Known | undefined
  bySeq(device: string, seq: number): Known | undefined
  see(fact: Fact): void
}

/** The id of the operation that this one takes back. */
export function undoneBy({ idempotencyKey }: OperationRow): string | undefined {
  return /^(.+)\.undo$/.exec(idempotencyKey)?.[1]
}

export function createRegister(): Register {
  const known = new Map<string, Known>()
  const keys = new Map<string, Known>()
  const places = new Map<string, Known>()
  /** By device, the sessions of users who are being wiped: what they had may go. */
  const wiping = new Set<string>()
  const decay = watchDecay()

  function wiped({ device, others }: Extract<Fact, { type: 'committed' }>): void {
    for (const { name, stage } of rowsIn(others)) {
      if (typeof name !== 'string' || !name.startsWith('session/')) continue
      if (stage === 'wiping') wiping.add(`${device}/${name}`)
      else wiping.delete(`${device}/${name}`)
    }
  }

  function add(device: string, row: OperationRow): void {
    const { id, seq, user } = row
    const lane = laneOf(user, row.entity, row.entityId)
    const one: Known = {
      id,
      device,
      seq,
      user,
      lane,
      row,
      isStored: true,
      isAccepted: false,
      isTainted: decay.isUnsound(device),
      isLost: false,
      sends: 0,
      keys: new Set(),
      forgiven: 0,
    }
    known.set(id, one)
    keys.set(keyOfUser(user, row.idempotencyKey), one)
    places.set(`${device}/${seq}`, one)
  }

  function change(device: string, { seq, row }: RowChange): void {
    const one = row === undefined ? places.get(`${device}/${seq}`) : known.get(row.id)
    if (one === undefined) return row === undefined ? undefined : add(device, row)
    if (row === undefined && wiping.has(`${device}/${sessionName(one.user)}`)) lose(one)
    one.isStored = row !== undefined
    if (row !== undefined) one.row = row
  }

  function taint(fault: Extract<Fact, { type: 'fault' }>): void {
    const isForgetful = fault.kind === 'answers-lost' || fault.kind === 'restored-backup'
    for (const one of known.values()) if (isForgetful && one.sends > 0) one.forgiven += one.keys.size
    for (const seq of fault.seqs) {
      const one = places.get(`${fault.where}/${seq}`)
      if (one === undefined) continue
      if (isDecay(fault.kind)) one.isTainted = true
      else lose(one)
      if (fault.kind !== 'corrupt-row' && !isDecay(fault.kind)) one.isStored = false
    }
    // What stands where it does not belong may be overtaken, or hold up others.
    if (decay.isUnsound(fault.where))
      for (const one of known.values()) if (one.device === fault.where && !isTerminal(one.row.status)) one.isTainted = true
  }

  function lose(one: Known): void {
    one.isTainted = true
    one.isLost = true
  }

  function byKey(user: string, key: string): Known | undefined {
    return keys.get(keyOfUser(user, key)) ?? keys.get(keyOfUser(user, key.replace(/\.\d+$/, '')))
  }

  function sent({ user, writes }: Sent, times: 1 | -1): void {
    for (const { key } of writes) {
      const one = byKey(user, key)
      if (one === undefined) continue
      one.sends += times
      one.keys.add(key)
    }
  }

  return {
    all: () => known.values(),
    byId: (id) => known.get(id),
    byKey,
    bySeq: (device, seq) => places.get(`${device}/${seq}`),
    see(fact) {
      decay.see(fact)
      if (fact.type === 'committed') {
        for (const one of fact.changes) change(fact.device, one)
        wiped(fact)
      } else if (fact.type === 'fault') taint(fact)
      else if (fact.type === 'accepted') {
        for (const id of fact.ids) {
          const one = known.get(id)
          if (one !== undefined) one.isAccepted = true
        }
      } else if (fact.type === 'sent') sent(fact.request, 1)
      else if (fact.type === 'answered' && fact.answer === '401') sent(fact.request, -1)
    },
  }
}

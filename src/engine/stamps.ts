import type { Conflict } from '../core/conflict.ts'
import { stampField } from '../core/field-rules.ts'
import { decodeHlc, encodeHlc, newClock, receive, tick, type Hlc } from '../core/hlc.ts'
import type { Json } from '../core/json.ts'
import type { OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { getOwn, isObject } from '../core/own.ts'
import type { SystemPorts } from '../core/ports.ts'
import { isHlc, laterSide, readStamp } from '../core/stamp.ts'

export type Stamps = ReturnType<typeof createStamps>

/** The hybrid logical clock of one engine. Nothing ticks where no entity uses `lastWriteWins`. */
export function createStamps({ entities }: Settings, { clock, newId }: SystemPorts) {
  let last: Hlc | undefined

  function fieldOf(entity: string): string | undefined {
    return stampField(entities[entity] ?? {})
  }

  function now(): Hlc {
    return (last ??= newClock(newId()))
  }

  /** When an operation on this entity is made; undefined if that does not matter. */
  function next(entity: string): string | undefined {
    if (fieldOf(entity) === undefined) return undefined
    last = tick(now(), clock.now())
    return encodeHlc(last)
  }

  /** The payload as it is stored, with the stamp in it if the entity's options say so. */
  function stamped(type: string, entity: string, payload: Json, hlc: string | undefined): Json {
    const stamp = entities[entity]?.stamp
    const isWritten = typeof stamp === 'object' && (type === 'create' || type === 'update' || type === 'replace')
    return isWritten && hlc !== undefined && isObject(payload) ? { ...payload, [stamp.field]: hlc } : payload
  }

  return {
    next,
    stamped,
    /** The operation with its new content, which is made now. */
    made(row: OperationRow): OperationRow {
      const hlc = next(row.entity)
      return hlc === undefined ? row : { ...row, hlc, payload: stamped(row.type, row.entity, row.payload, hlc) }
    },
    /** Which side of the conflict was written last. What it tells of time is learned. */
    laterSide({ entity, hlc }: OperationRow, { remote }: Conflict): 'local' | 'remote' {
      const field = fieldOf(entity)
      const stamp = field === undefined || remote === undefined ? undefined : readStamp(getOwn(remote, field))
      if (stamp !== undefined && isHlc(stamp)) {
        const received = receive(now(), stamp, clock.now())
        if (received.type === 'received') last = received.hlc
      }
      return laterSide(hlc === undefined ? undefined : decodeHlc(hlc), stamp, clock.now())
    },
  }
}

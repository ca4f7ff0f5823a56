import type { Settings } from '../core/options.ts'
import type { Change, Clock, Fetched, Transport } from '../core/ports.ts'
import type { PullRow, Quarantined } from '../core/pull-row.ts'
import { isServerFailure, type BreakerSigns } from './breaker-signs.ts'
import { verdictOn } from './check-page.ts'
import { inTime } from './in-time.ts'
import { putOff, withoutIt } from './pull-quarantine.ts'
import type { Replica } from './replica.ts'
import type { Writer } from './replica-writes.ts'
import type { Validators } from './validators.ts'

/** Asks the server for one that a page could not bring, and takes it if it can be used by now. What was decided is stored: nothing is asked for twice in a row. */
export function createRetaker(
  settings: Settings,
  clock: Clock,
  transport: Transport,
  replica: Replica,
  signs: BreakerSigns,
  validators: Validators,
) {
  async function answerFor(entity: string, id: string, signal: AbortSignal): Promise<Fetched> {
    replica.asking()
    const fetched = await inTime<Fetched>(clock, settings.sendTimeoutMs, signal, {
      what: 'entity',
      ask: (called) => transport.fetch(entity, id, { signal: called }),
      failed: (error) => ({ type: 'failed', error }),
    })
    if (signal.aborted) signs.abandoned(signal)
    else if (fetched.type === 'failed' && isServerFailure(fetched.error)) signs.failed()
    else signs.succeeded()
    return fetched
  }

  return async (entity: string, row: PullRow, one: Quarantined, writer: Writer): Promise<Fetched> => {
    const fetched = await answerFor(entity, one.id, writer.signal)
    writer.signal.throwIfAborted()
    if (fetched.type === 'auth') return fetched
    const later = putOff(row, one, clock.now())
    const change = changeFrom(one.id, fetched)
    const isRefused =
      change !== undefined &&
      (await validators.alone(writer.signal, (deadline) => verdictOn(validators, entity, change, deadline))) !== undefined
    writer.signal.throwIfAborted()
    if (change !== undefined && !isRefused) {
      const stored = await replica.applyPage(writer, { entity, changes: [change], alsoMet: [], row: withoutIt(row, one) })
      if (stored === 'outdated') await replica.note(writer, entity, later)
      return fetched
    }
    // What is gone, a page tells.
    await replica.note(writer, entity, fetched.type === 'absent' ? withoutIt(row, one) : later)
    return fetched
  }
}

function changeFrom(id: string, fetched: Fetched): Change | undefined {
  return fetched.type === 'found' ? { id, version: fetched.version, value: fetched.value } : undefined
}

import type { JsonObject } from '../../core/json.ts'
import { laneOf } from '../../core/operation.ts'
import type { Fact } from '../world/facts.ts'
import { amountOf, isJson, laneIn, statusOf } from './amounts.ts'
import type { Checker } from './invariant.ts'
import { BLINDING as ALWAYS_BLINDING, rowsIn } from './replicas.ts'
import { textOf } from './strategies.ts'

/** What an entity amounts to from a commit on. */
interface Moment {
  readonly text: string
  /** Whose commit it was. */
  readonly tab: string
  readonly at: number
}

/** What each moment of a device's store amounts to, entity by entity. */
interface Past {
  readonly bases: Map<string, JsonObject>
  /** By lane, in order; the oldest are forgotten. */
  readonly moments: Map<string, { from: number; all: Moment[] }>
  isBlind: boolean
}

const BLINDING: ReadonlySet<string> = new Set([...ALWAYS_BLINDING, 'corrupt-row'])
const KEPT = 200
const ABSENT = 'nothing'
const NEVER: readonly Moment[] = [{ text: ABSENT, tab: '', at: -Infinity }]
/** What another tab has committed is known after this. */
const NEWS_MS = 300

/**
 * S14: what a tab shows of an entity is what the server confirmed with the live operations in their order, at some moment, and whether one lives; and
 * it never goes back. What another tab has just committed it may not know yet, and show its own on top of less: then only the end is judged (L3).
 */
export const views: Checker = ({ now, rowsOf, settings }, report) => {
  const devices = new Map<string, Past>()
  /** By tab and lane: which moment it shows. */
  const shown = new Map<string, number>()

  function pastOf(device: string): Past {
    const one = devices.get(device) ?? { bases: new Map(), moments: new Map(), isBlind: false }
    devices.set(device, one)
    return one
  }

  function remember(tab: string, device: string, lanes: ReadonlySet<string>): void {
    const past = pastOf(device)
    for (const lane of lanes) {
      const known = past.moments.get(lane) ?? { from: 0, all: [...NEVER] }
      past.moments.set(lane, known)
      const live = [...rowsOf(device).values()].filter((row) => row.lane === lane)
      known.all.push({ text: textIn(amountOf(past.bases.get(lane), live), statusOf(live)), tab, at: now() })
      while (known.all.length > KEPT) {
        known.all.shift()
        known.from += 1
      }
    }
  }

  function committed({ tab, device, changes, others }: Extract<Fact, { type: 'committed' }>): void {
    const past = pastOf(device)
    const lanes = new Set(
      changes.flatMap(({ before, row }) => [before, row].flatMap((one) => (one === undefined ? [] : [laneIn(one)]))),
    )
    for (const row of rowsIn(others)) {
      const { key, value, deletedAt } = row
      if (typeof key !== 'string') continue
      if (deletedAt === undefined && isJson(value)) past.bases.set(key, value)
      else past.bases.delete(key)
      lanes.add(key)
    }
    remember(tab, device, lanes)
  }

  function sees({ tab, device, user, entity, id, value, status }: Extract<Fact, { type: 'shown' }>): void {
    const past = pastOf(device)
    if (past.isBlind) return
    const lane = laneOf(user, entity, id)
    const { from, all } = past.moments.get(lane) ?? { from: 0, all: NEVER }
    const text = textIn(value, status)
    const since = Math.max(0, (shown.get(`${tab} ${lane}`) ?? 0) - from)
    const at = all.findIndex((moment, index) => index >= since && moment.text === text)
    if (at >= 0) shown.set(`${tab} ${lane}`, at + from)
    else if (all.every((moment, index) => moment.tab === tab || (index <= since && now() - moment.at > NEWS_MS)))
      report('S14', `${tab} shows ${text} as ${entity}/${id}, which is not what its store amounts to: ${storyOf(all)}.`)
  }

  return {
    see(fact) {
      // What a tab can't use depends on its build.
      if (settings.shapes !== 'none') return
      if (fact.type === 'fault' && BLINDING.has(fact.kind)) pastOf(/^d\d+/.exec(fact.where)?.[0] ?? '').isBlind = true
      if (fact.type === 'tab' && fact.change === 'starting')
        for (const key of [...shown.keys()]) if (key.startsWith(`${fact.tab} `)) shown.delete(key)
      if (fact.type === 'committed') committed(fact)
      if (fact.type === 'shown') sees(fact)
    },
  }
}

function storyOf(all: readonly Moment[]): string {
  return all
    .slice(-3)
    .map(({ text }) => text)
    .join(', then ')
}

function textIn(value: JsonObject | undefined, status: string): string {
  return value === undefined ? ABSENT : `${status} ${textOf(value)}`
}

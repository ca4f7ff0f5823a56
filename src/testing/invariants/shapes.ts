import { contentHash } from '../../core/hash.ts'
import { isTerminal, laneOf, type OperationRow } from '../../core/operation.ts'
import { isObject } from '../../core/own.ts'
import type { Fact, RowChange } from '../world/facts.ts'
import { inShape } from '../world/shapes.ts'
import type { Checker } from './invariant.ts'
import { rowsIn } from './replicas.ts'

const OF_OBJECTS: ReadonlySet<string> = new Set(['create', 'update', 'replace'])
/** What the server's routes and the stamp of a note add. */
const ADDED: ReadonlySet<string> = new Set(['id', 'hlc'])
const BLINDING: ReadonlySet<string> = new Set(['power-loss', 'evicted', 'torn-write', 'corrupt-row'])

/** What is known of a device: the build that each tab is of, and the shape of each note in its store. */
interface Device {
  newest: number
  readonly shapes: Map<string, number>
  isBlind: boolean
}

/**
 * S27: what a newer build has stored an older one neither sends nor changes; what an older one has stored is sent in the shape of the build that first sends it,
 * and loses nothing; and in the end no note has an older shape than the newest build's.
 */
export const shapes: Checker = ({ settings, deviceOf, register }, report) => {
  const builds = new Map<string, number>()
  const users = new Map<string, string>()
  const devices = new Map<string, Device>()
  /** By operation: the tabs that have claimed it. */
  const claims = new Map<string, Set<string>>()

  function of(name: string): Device {
    const one = devices.get(name) ?? { newest: 1, shapes: new Map(), isBlind: false }
    devices.set(name, one)
    return one
  }

  function changed(tab: string, { before, row }: RowChange, merged: ReadonlySet<string>): void {
    const build = builds.get(tab) ?? 1
    if (row === undefined || row.entity !== 'note') return
    if (row.status === 'sending') claims.set(row.id, (claims.get(row.id) ?? new Set()).add(tab))
    if (before !== undefined && !isTerminal(before.status) && shapeOf(before) > build && !isOnlyMarked(before, row))
      report('S27', `${tab} of build ${build} wrote ${row.id}, which build ${shapeOf(before)} has stored.`)
    if (OF_OBJECTS.has(row.type) && !isObject(row.payload))
      report('S27', `${tab} stored ${row.id}, a ${row.type}, with the payload ${JSON.stringify(row.payload)}.`)
    const isFirst = before !== undefined && before.request === undefined && row.request !== undefined
    // Of what was merged with others the order of the fields says nothing.
    if (isFirst && !merged.has(row.id)) firstSent(tab, before, row)
  }

  function firstSent(tab: string, before: OperationRow, row: OperationRow): void {
    if (!isObject(row.payload) || contentHash(before.payload) !== contentHash(row.payload)) return
    const names = Object.keys(row.payload).filter((name) => !ADDED.has(name))
    const sent: unknown = JSON.parse(row.request?.body ?? 'null')
    const body = typeof sent === 'object' && sent !== null ? Object.keys(sent).filter((name) => !ADDED.has(name)) : []
    if (row.type !== 'delete' && body.join() !== names.join())
      report('S27', `${tab} made of ${row.id} the request ${row.request?.body ?? ''}, which is not its payload.`)
    if (
      shapeOf(row) > shapeOf(before) &&
      Object.keys(inShape(row.payload, shapeOf(row))).join() !== Object.keys(row.payload).join()
    )
      report('S27', `${tab} sent ${row.id} as of version ${shapeOf(row)}, but in the shape of version ${shapeOf(before)}.`)
  }

  function committed({ tab, device: name, changes, others }: Extract<Fact, { type: 'committed' }>): void {
    const device = of(name)
    const merged = new Set(changes.flatMap(({ row }) => row?.supersededBy ?? []))
    for (const change of changes) changed(tab, change, merged)
    for (const { key, value, shape } of rowsIn(others)) {
      if (typeof key !== 'string' || !key.includes('/note/')) continue
      if (value === undefined) device.shapes.delete(key)
      else device.shapes.set(key, typeof shape === 'number' ? shape : 1)
    }
  }

  function sent({ request: { tab, user, writes } }: Extract<Fact, { type: 'sent' }>): void {
    const build = builds.get(tab) ?? 1
    for (const { key } of writes) {
      const one = register.byKey(user, key)
      if (one?.row.entity !== 'note' || shapeOf(one.row) <= build || claims.get(one.id)?.has(tab) === true) continue
      report('S27', `${tab} of build ${build} sent ${one.id}, which build ${shapeOf(one.row)} has stored.`)
    }
  }

  return {
    see(fact) {
      if (settings.shapes === 'none') return
      if (fact.type === 'fault' && BLINDING.has(fact.kind)) of(/^d\d+/.exec(fact.where)?.[0] ?? '').isBlind = true
      if (fact.type === 'tab' && fact.change === 'starting') {
        builds.set(fact.tab, fact.build)
        users.set(fact.device, fact.user)
        of(fact.device).newest = Math.max(of(fact.device).newest, fact.build)
      }
      if (fact.type === 'committed') committed(fact)
      if (fact.type === 'sent') sent(fact)
    },
    end() {
      if (settings.shapes !== 'sound') return
      for (const [name, { newest, shapes: known, isBlind }] of devices) {
        const own = laneOf(users.get(name) ?? '', 'note', '')
        const old = [...known].find(([key, shape]) => key.startsWith(own) && shape < newest)
        const isUpToDate = [...builds].every(([tab, build]) => deviceOf(tab) !== name || build === newest)
        if (old !== undefined && isUpToDate && !isBlind)
          report(
            'S27',
            `${name} has ${old[0]} in the shape of version ${old[1]} still, though all its tabs are of build ${newest}.`,
          )
      }
    },
  }
}

/** It says that others wait for it, which a build can say of what it does not understand. */
function isOnlyMarked(before: OperationRow, { rev: _rev, depended: _depended, ...row }: OperationRow): boolean {
  const { rev: _revBefore, depended: _dependedBefore, ...was } = before
  return contentHash(JSON.parse(JSON.stringify(was))) === contentHash(JSON.parse(JSON.stringify(row)))
}

function shapeOf({ shape = 1 }: OperationRow): number {
  return shape
}

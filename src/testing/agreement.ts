import type { Entity } from '../engine/read-types.ts'
import type { Failure } from './liveness.ts'
import { textOf } from './invariants/strategies.ts'
import type { JsonObject } from '../core/json.ts'
import { kindsOf } from './world/settings.ts'
import { isInPart } from './world/parts.ts'
import { isRefused } from './world/schemas.ts'
import { unmigratedBy } from './world/shapes.ts'
import type { Device } from './world/device.ts'
import type { Tab } from './world/tab.ts'
import { codeOf } from './world/trace.ts'
import type { World } from './world/world.ts'

const LOOK_EVERY_MS = 1_000
const DAY_MS = 86_400_000
/** For a breaker to close, a backoff to end, and news to come from tab to tab. */
const BOUND_MS = 200_000
/** A server may have asked for a pause, and a breaker may be open. */
const NIGHTS = 2

/** Until what no hint told of is pulled by itself: 20 times more seldom than without a line, and a quarter later than that. */
const RESTS = 25
const LINE_LOOK_MS = 5_000

/** L3: once nothing goes wrong any more and everything was pulled, every tab of every device shows what the server has; S20: one with a line, without being asked. */
export async function proveAgreement(world: World, failed: () => boolean): Promise<readonly Failure[]> {
  const tabs = world.devices.flatMap((device) => device.tabs)
  const asked = world.devices.filter(({ hasLine }) => !hasLine)
  const settleMs = asked.length === world.devices.length ? 0 : RESTS * (world.settings.engine.pull?.everyMs ?? 0)
  let differences: readonly string[] = []
  for (const begun = world.scheduler.now(); world.scheduler.now() - begun < BOUND_MS + 2 * settleMs;) {
    const pulled = asked.map((device) => pullIn(world, device))
    let isDone = false
    void Promise.all(pulled).then(() => (isDone = true))
    await world.scheduler.run(world.scheduler.now() + BOUND_MS / 4, () => failed() || isDone)
    await world.scheduler.run(world.scheduler.now() + LOOK_EVERY_MS, failed)
    if (failed()) return []
    differences = await differencesOf(world, tabs)
    for (const since = world.scheduler.now(); differences.length > 0 && world.scheduler.now() - since < settleMs;) {
      await world.scheduler.run(world.scheduler.now() + LINE_LOOK_MS, failed)
      if (failed()) return []
      differences = await differencesOf(world, tabs)
    }
    if (differences.length === 0) return proveFullPull(world, tabs, failed)
    // A server may have asked for any pause: that is slept over.
    for (const device of world.devices) device.sleep(DAY_MS, true)
    await world.scheduler.run(world.scheduler.now() + LOOK_EVERY_MS, failed)
  }
  if (settleMs > 0 && (await pulledDifferences(world, tabs, failed)).length === 0)
    return fail('S20', `Nothing was pulled for what no hint told of: ${sentenceOf(differences)}.`)
  return fail('L3', `Everything was pulled, but ${sentenceOf(differences)}.`)
}

/** What is left once somebody has asked for everything. */
async function pulledDifferences(world: World, tabs: readonly Tab[], failed: () => boolean, full = false) {
  let isDone = false
  void Promise.all(world.devices.map((device) => pullIn(world, device, full))).then(() => (isDone = true))
  await world.scheduler.run(world.scheduler.now() + BOUND_MS, () => failed() || isDone)
  await world.scheduler.run(world.scheduler.now() + LOOK_EVERY_MS, failed)
  return failed() ? [] : differencesOf(world, tabs, full)
}

/** What a backup took back, and what was made outside of the parts that are followed, is gone everywhere, at the latest when everything is pulled anew: no answer is on its way any more. */
async function proveFullPull(world: World, tabs: readonly Tab[], failed: () => boolean): Promise<readonly Failure[]> {
  if (world.server.undone.size === 0 && world.settings.parts.every((parts) => parts === undefined)) return []
  for (let nights = 0; ; nights++) {
    const differences = await pulledDifferences(world, tabs, failed, true)
    if (differences.length === 0) return []
    if (nights === NIGHTS) return fail('L3', `Everything was pulled anew, but ${sentenceOf(differences)}.`)
    for (const device of world.devices) device.sleep(DAY_MS, true)
    await world.scheduler.run(world.scheduler.now() + LOOK_EVERY_MS, failed)
  }
}

function fail(invariant: string, sentence: string): readonly Failure[] {
  return [{ invariant, sentence }]
}

function sentenceOf(differences: readonly string[]): string {
  return differences.slice(0, 3).join(', and ')
}

/** By a tab that is open: one that has died is back only after a while. */
async function pullIn(world: World, { tabs }: Device, full = false): Promise<void> {
  const tab = tabs.find((one) => one.ready() !== undefined)
  const engine = tab?.ready()
  if (tab === undefined || engine === undefined) return
  world.tell({ type: 'did', tab: tab.name, action: 'asks to synchronise', result: 'begun' })
  const result = await engine.synchronize({ full }).then(
    ({ pulled }) => (pulled.every(({ isComplete }) => isComplete) ? 'done' : 'not complete'),
    (error: unknown) => codeOf(error),
  )
  world.tell({ type: 'did', tab: tab.name, action: 'synchronize', result })
}

async function differencesOf(world: World, tabs: readonly Tab[], withUndone = false): Promise<readonly string[]> {
  const shown = new Map<string, readonly Entity[]>()
  /** Which parts of the notes a tab says are followed; none where all are. */
  const followed = new Map<string, readonly string[]>()
  let left = 0
  for (const tab of tabs) {
    const parts = tab.device.parts === undefined ? undefined : tab.ready()?.scopes.list('note')
    if (parts !== undefined) {
      left += 1
      const know = (found: readonly string[]): void => {
        followed.set(tab.name, found)
        left -= 1
      }
      parts.then(know, () => know([]))
    }
    for (const entity of kindsOf(world.settings)) {
      left += 1
      const list = tab.ready()?.view(entity).list() ?? Promise.resolve([])
      const keep = (found: readonly Entity[]): void => {
        shown.set(`${tab.name} ${entity}`, found)
        left -= 1
      }
      list.then(keep, () => keep([]))
    }
  }
  // Who dies while it is asked never answers: it is asked again once it is back.
  await world.scheduler.run(world.scheduler.now() + BOUND_MS / 4, () => left === 0)
  return tabs
    .filter(knowsAll(world))
    .flatMap((tab) =>
      kindsOf(world.settings).flatMap((entity) =>
        differencesIn(world, tab, entity, shown.get(`${tab.name} ${entity}`) ?? [], followed.get(tab.name), withUndone),
      ),
    )
}

/** What a newer build of the application has stored an older one does not show. */
function knowsAll({ settings }: World): (tab: Tab) => boolean {
  return ({ build, device }) => settings.shapes === 'none' || device.tabs.every((other) => other.build <= build)
}

function differencesIn(
  world: World,
  { name: tab, device, build }: Tab,
  entity: string,
  shown: readonly Entity[],
  followed: readonly string[] | undefined,
  withUndone: boolean,
): readonly string[] {
  const parts = entity === 'note' && device.parts !== undefined ? (followed ?? []) : undefined
  const isFollowed = (value: JsonObject): boolean => parts === undefined || parts.some((part) => isInPart(value, part))
  const has = new Map([...world.server.all()].filter(([path, value]) => path.startsWith(`/${entity}/`) && isFollowed(value)))
  const byPath = new Map(shown.map((one) => [`/${entity}/${encodeURIComponent(one.id)}`, one]))
  const paths = new Set([...has.keys(), ...byPath.keys()])
  // The answer to what a backup took back may have come after everything was pulled anew.
  if (!withUndone) for (const { entity: kind, id } of world.server.undone) paths.delete(`/${kind}/${encodeURIComponent(id)}`)
  // What was changed here outside of what is followed is seen until then, too.
  if (parts !== undefined && !withUndone) for (const path of device.touched) if (!has.has(path)) paths.delete(path)
  // What can not be migrated is not asked for alone where only parts are followed: the answer would not tell whether it belongs to them.
  const unmigrated = unmigratedBy(build, world.settings)
  if (parts !== undefined && !withUndone && unmigrated !== undefined) paths.delete(`/note/${unmigrated}`)
  // What its schema refuses is not taken, and what comes so late nobody mends.
  for (const [path, value] of has) if (isRefused(world.settings, device.name, entity, value)) paths.delete(path)
  return [...paths].flatMap((path) => {
    const [mine, theirs] = [byPath.get(path)?.value, has.get(path)]
    const { id: _id, version: _version, ...own } = mine ?? {}
    const texts = [mine === undefined ? 'nothing' : textOf(own), theirs === undefined ? 'nothing' : textOf(theirs)]
    const status = byPath.get(path)?.status ?? 'synced'
    if (texts[0] === texts[1] && status !== 'synced') return [`${tab} shows ${path} as ${status}, though nothing is left to do`]
    return texts[0] === texts[1] ? [] : [`${tab} shows ${texts[0]} at ${path} where the server has ${texts[1]}`]
  })
}

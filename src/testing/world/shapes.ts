import type { EntityOptions } from '../../core/conflict.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import type { Migration } from '../../core/migrate.ts'
import { isObject } from '../../core/own.ts'
import type { EnqueueInput } from '../../engine/types.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { WorldSettings } from './settings.ts'
import type { Tab } from './tab.ts'
import type { Choices } from './tape.ts'
import { codeOf } from './trace.ts'
import type { World } from './world.ts'

/** A newer build is opened in a tab, and in all of them some time later. */
export interface ReleaseStep extends Moment {
  readonly everywhereAfterMs: number
}

interface ReleasePlan {
  readonly shapes: WorldSettings['shapes']
  readonly releases: readonly ReleaseStep[]
}

/** The first build that knows how to migrate everything, where one before it does not. */
const MENDED = 3
const BROKEN_PAYLOADS_OF = 'n1'
const BROKEN_VALUE = 'n2'
/** What was enqueued is stored by then. */
const WRITTEN_MS = 60
const OF_NEWER = 1_000
/** As in `people.ts`. */
const PAUSE = 'person'

/** In some worlds each build of the application has a shape of its own of notes, and the migration of one fails. Drawn after everything else. */
export function drawReleases(choices: Choices, places: Places, lastMs: number): ReleasePlan {
  const shapes = choices.pick(['sound', 'failing'] as const)
  const releases = Array.from({ length: choices.whole(2, 4) }, () => ({
    ...drawMoment(choices, places, [500, lastMs]),
    everywhereAfterMs: choices.whole(1_000, 20_000),
  }))
  return { shapes, releases }
}

/** A build is not everywhere sooner. */
const LEAST_MS = 1_000

/** What a note looks like in a shape: the same, with its fields in another order. So no one who compares has to know of it, and yet the bytes tell. */
export function inShape(value: JsonObject, shape: number): JsonObject {
  const names = Object.keys(value).toSorted()
  return Object.fromEntries((shape % 2 === 0 ? names : names.toReversed()).map((name) => [name, value[name] ?? null]))
}

export function shapeOptions({ shapes }: WorldSettings, build: number): Pick<EntityOptions, 'version' | 'migrations'> {
  if (shapes === 'none') return {}
  const steps = Array.from({ length: build - 1 }, (_, at) => at + 2)
  const isBroken = shapes === 'failing' && build < MENDED
  return { version: build, migrations: Object.fromEntries(steps.map((step) => [step, migration(step, isBroken)])) }
}

/** The note whose stored value this build can not migrate, where there is one. */
export function unmigratedBy(build: number, { shapes }: WorldSettings): string | undefined {
  return shapes === 'failing' && build < MENDED ? BROKEN_VALUE : undefined
}

function migration(shape: number, isBroken: boolean): Migration {
  return {
    payload(payload: Json, { entityId }) {
      if (isBroken && entityId === BROKEN_PAYLOADS_OF) throw new Error('This build can not migrate it.')
      return isObject(payload) ? inShape(payload, shape) : payload
    },
    value(value) {
      if (isBroken && value['id'] === BROKEN_VALUE) throw new Error('This build can not migrate it.')
      return inShape(value, shape)
    },
  }
}

/**
 * Each time something waits that the older build has stored, and then something of the newer one, while nobody sends; in between somebody in an old tab tries to see to
 * what he finds.
 */
export function letPeopleRelease(world: World, steps: readonly ReleaseStep[], lastMs: number): void {
  for (const [number, { atMs, device: at, tab: place, ...step }] of steps.entries()) {
    // What is written after everybody has gone home nobody would send.
    const everywhereAfterMs = Math.min(step.everywhereAfterMs, lastMs - atMs)
    if (everywhereAfterMs < LEAST_MS) continue
    const device = world.devices[at]
    const tab = device?.tabs[place]
    if (device === undefined || tab === undefined) continue
    const after = (ms: number, task: () => void): void => void world.scheduler.after(atMs + ms, task)
    after(0, () => leave(device.tabs, number))
    after(WRITTEN_MS, () => {
      device.newestBuild += 1
      tab.build = device.newestBuild
      tab.kill()
    })
    after(everywhereAfterMs / 3, () => leave([tab], number + OF_NEWER))
    after(everywhereAfterMs / 3 + WRITTEN_MS, () => {
      tab.kill()
      for (const other of device.tabs) if (other !== tab) void meddle(world, other)
    })
    after(everywhereAfterMs, () => device.update())
  }
}

/** Nobody sends, and this is enqueued. */
function leave(tabs: readonly Tab[], number: number): void {
  const [first, ...others] = tabs.filter((tab) => tab.ready() !== undefined)
  for (const tab of [first, ...others]) tab?.ready()?.pause(PAUSE)
  const update = (id: string, place: number): EnqueueInput => ({
    type: 'update',
    entity: 'note',
    id,
    payload: { b: number + place / 10, a: number + place / 10, c: null },
  })
  first?.enqueue([update(BROKEN_PAYLOADS_OF, 1), update('n3', 2)], () => {})
  first?.enqueue([update(BROKEN_PAYLOADS_OF, 3), update('n3', 4)], () => {})
}

/** He retries what he is told that his page is too old for. */
async function meddle({ tell }: World, tab: Tab): Promise<void> {
  const engine = tab.ready()
  engine?.resume(PAUSE)
  for (const { id, ofVersion } of (await engine?.operations.list().catch(() => [])) ?? []) {
    if (ofVersion === undefined) continue
    const result = await engine?.operations.retry(id).then(() => 'ok', codeOf)
    tell({ type: 'did', tab: tab.name, action: 'retry', operation: id, result: result ?? '' })
  }
}

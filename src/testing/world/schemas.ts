import type { JsonObject } from '../../core/json.ts'
import type { Clock } from '../../core/ports.ts'
import { isRecord } from '../../core/schema.ts'
import type { SchemaAnswer, StandardSchema } from '../../core/standard-schema.ts'
import type { EnqueueInput } from '../../engine/types.ts'
import { drawMoment, type Moment, type Places } from './moments.ts'
import type { SchemaMode, WorldSettings } from './settings.ts'
import type { Choices } from './tape.ts'
import type { World } from './world.ts'

/** Somebody changes what the schema speaks of, so that it passes or not. */
export interface SchemaStep extends Moment {
  readonly input: EnqueueInput
}

export interface SchemaPlan {
  readonly schemas: WorldSettings['schemas']
  readonly steps: readonly SchemaStep[]
}

const SHARE = 0.2
const STEPS = 16
const NOTES = 2
const HIGHEST = 9
/** How long a schema thinks that does not answer at once. */
const THINKS_MS = 20

/** Who has the schema, and who an older build of the application that has none. */
const MODES: readonly [readonly SchemaMode[], ...(readonly SchemaMode[])[]] = [
  ['at-once', 'at-once', 'none'],
  ['later', 'at-once', 'none'],
  ['none', 'later', 'at-once'],
  ['at-once', 'later', 'at-once'],
]

const KINDS = ['low', 'high', 'low', 'high', 'both', 'create', 'text', 'clear'] as const

/** Of a note `low` and `high` are numbers, if they are there, and the one is not above the other. */
export function isValid(value: Readonly<Record<string, unknown>>): boolean {
  const { low, high } = value
  const areNumbers = [low, high].every((one) => one === undefined || typeof one === 'number')
  return areNumbers && !(typeof low === 'number' && typeof high === 'number' && low > high)
}

/** Whether a device takes such a value from the server. */
export function isRefused({ schemas }: WorldSettings, device: string, entity: string, value: JsonObject | undefined): boolean {
  return entity === 'note' && value !== undefined && hasSchema(schemas, device) && !isValid(value)
}

export function hasSchema(schemas: WorldSettings['schemas'], device: string): boolean {
  return (schemas[Number(device.slice(1)) - 1] ?? 'none') !== 'none'
}

export function schemaOf(mode: SchemaMode, clock: Clock): StandardSchema | undefined {
  if (mode === 'none') return undefined
  const answer = (value: unknown): SchemaAnswer =>
    isRecord(value) && isValid(value) ? { value } : { issues: [{ message: 'must not be above high', path: ['low'] }] }
  const later = (value: unknown): Promise<SchemaAnswer> =>
    new Promise((resolve) => clock.schedule(() => resolve(answer(value)), THINKS_MS))
  return { '~standard': { version: 1, vendor: 'simulated', validate: mode === 'later' ? later : answer } }
}

/** Drawn after everything else, so that a world without schemas is as it was. Every value is a number of its own, by which it is known. */
export function drawSchemas(choices: Choices, places: Places, lastMs: number): SchemaPlan {
  if (!choices.chance(SHARE)) return { schemas: [], steps: [] }
  const schemas = choices.pick(MODES)
  const steps = Array.from({ length: STEPS }, (_, number) => ({
    ...drawMoment(choices, places, [500, lastMs]),
    input: drawInput(choices, number + 1),
  }))
  return { schemas, steps }
}

function drawInput(choices: Choices, number: number): EnqueueInput {
  const [kind, id] = [choices.pick(KINDS), `n${choices.whole(0, NOTES - 1)}`]
  const [low, high] = [choices.whole(0, HIGHEST) + number / 1_000, choices.whole(0, HIGHEST) + number / 1_000]
  const payloads = {
    low: { low },
    high: { high },
    both: { low, high },
    create: { low, high },
    text: { low: `t${number}` },
    clear: { low: null, high },
  }
  return { type: kind === 'create' ? 'create' : 'update', entity: 'note', id, payload: payloads[kind] }
}

export function letPeopleStrain(world: World, steps: readonly SchemaStep[]): void {
  for (const { atMs, device, tab, input } of steps)
    world.scheduler.after(atMs, () => world.devices[device]?.tabs[tab]?.enqueue([input], () => {}))
}

/** Somebody sees to what no schema takes, on the version that the server has. False if there is nothing of the kind. */
export function mendNotes(world: World): boolean {
  if (world.settings.schemas.length === 0) return false
  const wrong = [...world.server.all()].filter(([path, value]) => path.startsWith('/note/') && !isValid(value))
  const tab = world.devices.flatMap(({ tabs }) => tabs).find((one) => one.ready() !== undefined)
  for (const [path, base] of wrong) {
    const id = decodeURIComponent(path.slice('/note/'.length))
    const baseVersion = String(world.server.versions().get(path))
    const payload = { low: null, high: HIGHEST + world.scheduler.now() }
    tab?.enqueue([{ type: 'update', entity: 'note', id, payload, base, baseVersion }], () => {})
  }
  return wrong.length > 0
}

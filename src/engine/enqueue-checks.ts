import { applied, derive, withId } from '../core/derive.ts'
import type { RootOf } from '../core/issues.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { isMutation, laneOf, type OperationRow } from '../core/operation.ts'
import type { Settings } from '../core/options.ts'
import { isObject } from '../core/own.ts'
import type { Clock } from '../core/ports.ts'
import { readOperation } from '../core/schema.ts'
import type { Store } from './store.ts'
import { createValidators, type Verdict } from './validators.ts'
import { wholeLanes } from './whole-lanes.ts'

type Asked = Pick<OperationRow, 'user' | 'type' | 'entity' | 'entityId' | 'payload'>

/** An operation that is to be accepted, and where it stands among those of the same call: ``, or `[1].`. */
export interface Candidate {
  readonly row: Asked
  readonly at: string
}

/** By lane: what the application would see once all before was accepted. Undefined where there is nothing. */
type Values = Map<string, JsonObject | undefined>

/** What the schemas have against operations before they are stored: each is seen on top of those before it. */
export function createEnqueueChecks(settings: Settings, store: Store, clock: Clock) {
  const { entities } = settings
  const validators = createValidators(settings, clock)

  function actionsOf(entity: string): NonNullable<Settings['entities'][string]['actions']> {
    return entities[entity]?.actions ?? {}
  }

  /** Of the live operations those before `seq`. They are read before the entities: what is confirmed in between counts twice, which changes nothing. */
  async function valuesOf(rows: readonly Asked[], seq = Infinity): Promise<Values> {
    const updated = new Map(rows.filter(needsValue).map((row) => [laneOfAsked(row), row.entity]))
    const lanes = [...updated.keys()]
    if (lanes.length === 0) return new Map()
    const live = await wholeLanes(store.storage, lanes)
    const bases = await store.entities(lanes)
    return new Map(
      lanes.map((lane, at) => {
        const before = (live[at] ?? []).flatMap((entry) => readOperation(entry) ?? []).filter((row) => row.seq < seq)
        return [lane, derive(bases[at], before, actionsOf(updated.get(lane) ?? ''))]
      }),
    )
  }

  function needsValue({ type, entity }: Asked): boolean {
    return type === 'update' && validators.hasSchema(entity)
  }

  async function judge(candidates: readonly Candidate[], values: Values): Promise<Verdict> {
    const made: Values = new Map()
    for (const { row, at } of candidates) {
      const lane = laneOfAsked(row)
      const before = made.has(lane) ? made.get(lane) : values.get(lane)
      const after = values.has(lane) || isWhole(row) ? applied(before, row, actionsOf(row.entity)) : undefined
      const verdict = (await ofPayload(row, at)) ?? (await ofValue(row, after, at))
      if (verdict !== undefined) return verdict
      made.set(lane, after)
    }
    for (const [lane, value] of made) values.set(lane, value)
    return undefined
  }

  function ofPayload({ entity, type, payload }: Asked, at: string): Verdict | Promise<Verdict> {
    return validators.payload(entity, type, payload, () => `${at}payload`)
  }

  function ofValue(row: Asked, after: JsonObject | undefined, at: string): Verdict | Promise<Verdict> {
    if (after === undefined || !(isWhole(row) || row.type === 'update')) return undefined
    return validators.value(row.entity, after, isWhole(row) ? () => `${at}payload` : rootIn(row.payload, at))
  }

  return {
    concerns: validators.concerns,

    /** The verdicts on several calls that are accepted in this order, each as a whole. Calls about other entities do not wait for one whose schema takes its time. */
    async ofCalls(calls: readonly (readonly Candidate[])[]): Promise<readonly Verdict[]> {
      const checked = calls.map((call) => call.filter(({ row }) => validators.concerns(row.entity)))
      const values = await valuesOf(checked.flat().map(({ row }) => row))
      const last = new Map<string, Promise<Verdict>>()
      return Promise.all(
        checked.map((call) => {
          const lanes = new Set(call.map(({ row }) => laneOfAsked(row)))
          const before = [...lanes].flatMap((lane) => last.get(lane) ?? [])
          const verdict = before.length === 0 ? judge(call, values) : Promise.all(before).then(() => judge(call, values))
          for (const lane of lanes) last.set(lane, verdict)
          return verdict
        }),
      )
    },

    /** On an operation that is stored, with what it is to be from now on. */
    async ofEdit(row: OperationRow): Promise<Verdict> {
      return judge([{ row, at: '' }], await valuesOf([row], row.seq))
    },

    /** On what a person decides that an entity should be, or what an action of the application should carry. */
    async ofDecision(entity: string, id: string, type: string, value: Json): Promise<Verdict> {
      const root: RootOf = () => 'value'
      return isMutation(type) ? validators.value(entity, withId(value, id), root) : validators.payload(entity, type, value, root)
    },
  }
}

export type EnqueueChecks = ReturnType<typeof createEnqueueChecks>

function isWhole({ type }: Asked): boolean {
  return type === 'create' || type === 'replace'
}

/** What the patch itself says is the payload's fault, the rest that of what it is applied to. */
function rootIn(payload: Json, at: string): RootOf {
  return (field) => (isObject(payload) && field !== undefined && Object.hasOwn(payload, field) ? `${at}payload` : `${at}value`)
}

function laneOfAsked({ user, entity, entityId }: Asked): string {
  return laneOf(user, entity, entityId)
}

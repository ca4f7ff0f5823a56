import type { Accumulation, SeenEntity } from '../../core/invariants.ts'
import { laneOf } from '../../core/operation.ts'
import type { Settings } from '../../core/options.ts'
import { referencesIn } from '../../core/references.ts'
import { ENTITIES } from '../../core/schema.ts'
import type { Findings, Found } from './findings.ts'
import type { Task } from './site.ts'
import { checkNamed, createNamed, type Named } from './targets.ts'
import { atOneMoment } from './values.ts'

export type Declared = Pick<Settings, 'entities' | 'invariants'>

/** A function of the application that is asked for one entity after the other. */
interface Rule {
  readonly name: string
  readonly entities: readonly string[]
  readonly accumulation: Accumulation
}

interface Seen {
  readonly found: readonly Found[]
  readonly count: number
  readonly named: Named
}

const MOST = 100

/** What the application has declared of its entities, on what it sees of them: the server's with what waits on top. */
export async function checkDeclared(
  task: Task,
  user: string,
  { entities, invariants }: Declared,
  findings: Findings,
): Promise<void> {
  const kinds = Object.keys(entities).filter(task.concerns)
  const rules = rulesOf({ entities, invariants }, kinds)
  const isJudged = (kind: string): boolean =>
    entities[kind]?.invariants !== undefined || rules.some((rule) => rule.entities.includes(kind))
  const walked = kinds.filter((kind) => entities[kind]?.references !== undefined || isJudged(kind))
  if (walked.length === 0) return
  const seen = await atOneMoment(
    task.store,
    user,
    walked.map((entity) => ({ entity, actions: entities[entity]?.actions ?? {} })),
    (values) => judged(values, user, entities, rules),
  ).catch((error: unknown) => {
    if (error instanceof RuleFailed) return error
    throw error
  })
  if (seen === undefined) return findings.undecided('invariants: too much changed meanwhile')
  if (seen instanceof RuleFailed) return findings.undecided(seen.message)
  if (walked.some(isJudged)) findings.count('invariants', seen.count)
  for (const one of seen.found) findings.add(one)
  await checkNamed(task, user, entities, seen.named, findings)
}

class RuleFailed extends Error {
  override readonly name = 'RuleFailed'
}

function rulesOf({ entities, invariants }: Declared, kinds: readonly string[]): readonly Rule[] {
  const own = kinds.flatMap((kind) =>
    Object.entries(entities[kind]?.invariants ?? {}).flatMap(([name, invariant]): readonly Rule[] =>
      typeof invariant === 'function' ? [] : [{ name: `${kind}.${name}`, entities: [kind], accumulation: invariant }],
    ),
  )
  const all = Object.entries(invariants).filter((pair) => pair[1].entities.every((one) => kinds.includes(one)))
  return [...own, ...all.map(([name, invariant]) => ({ name, entities: invariant.entities, accumulation: invariant }))]
}

async function judged(
  values: AsyncGenerator<SeenEntity>,
  user: string,
  entities: Settings['entities'],
  rules: readonly Rule[],
): Promise<Seen> {
  const states = rules.map(({ name, accumulation }) => guarded(name, () => accumulation.start()))
  const named = createNamed()
  const found: Found[] = []
  let count = 0
  for await (const one of values) {
    count += 1
    const { entity, id, value } = one
    for (const [name, invariant] of Object.entries(entities[entity]?.invariants ?? {})) {
      if (typeof invariant !== 'function') continue
      const wrong = verdict(`${entity}.${name}`, () => invariant(value, id))
      if (wrong !== undefined && found.length < MOST)
        found.push(broken(name, wrong, laneOf(user, entity, id), { entity, entityId: id }))
    }
    for (const [at, { name, entities: over, accumulation }] of rules.entries())
      if (over.includes(entity)) states[at] = guarded(name, () => accumulation.add(states[at], one))
    for (const target of referencesIn(value, entities[entity]?.references ?? {})) named.add({ entity, id }, target)
  }
  for (const [at, { name, accumulation }] of rules.entries()) {
    const wrong = verdict(name, () => accumulation.end(states[at]))
    if (wrong !== undefined) found.push(broken(name, wrong, name, {}))
  }
  return { found, count, named: named.read() }
}

/** Anything but a text or nothing says neither that it holds nor that it does not. */
function verdict(name: string, call: () => string | undefined): string | undefined {
  const wrong = guarded(name, call)
  if (wrong === undefined || typeof wrong === 'string') return wrong
  throw new RuleFailed(`${name}: the invariant must return what is wrong as a text, or undefined, not ${typeof wrong}`)
}

function guarded<T>(name: string, call: () => T): T {
  try {
    const given = call()
    if (!(given instanceof Promise)) return given
    given.catch(() => {})
    throw new TypeError('it is asynchronous, and must return at once')
  } catch (cause) {
    throw new RuleFailed(`${name}: the invariant failed itself (${cause instanceof Error ? cause.message : String(cause)})`, {
      cause,
    })
  }
}

function broken(name: string, wrong: string, key: string, about: Pick<Found, 'entity' | 'entityId'>): Found {
  const where = about.entity === undefined ? '' : ` of ${about.entity}/${about.entityId}`
  return { code: 'invariant', collection: ENTITIES, key, ...about, message: `${name}${where}: ${wrong}` }
}

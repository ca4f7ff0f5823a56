import { describe, expect, it } from 'vitest'
import { createActor, toPromise, type AnyStateMachine, type AnyStateNode } from 'xstate'
import * as exported from '../../machines/index.ts'
import { DEFAULTS } from '../../src/core/options.ts'
import { statesOf, transitionsOf } from '../../src/testing/model/index.ts'

type Kind = 'actions' | 'guards' | 'delays' | 'actors'

const machines: readonly (readonly [string, AnyStateMachine])[] = Object.values(exported).flatMap((value) =>
  isMachine(value) ? [[value.id, value] as const] : [],
)

function isMachine(value: unknown): value is AnyStateMachine {
  return typeof value === 'object' && value !== null && 'root' in value && 'implementations' in value
}

/** The names in a part of a config: of a string, of `{ type }`, of what a composed guard or a built-in action refers to. */
function namesIn(part: unknown): readonly string[] {
  if (typeof part === 'string') return [part]
  if (Array.isArray(part)) return part.flatMap(namesIn)
  if (typeof part === 'object' && part !== null && 'type' in part && typeof part.type === 'string') return [part.type]
  if (typeof part === 'function' && 'guards' in part) return namesIn(part.guards)
  return []
}

function usesOf(machine: AnyStateMachine): Record<Kind, Set<string>> {
  const uses = { actions: new Set<string>(), guards: new Set<string>(), delays: new Set<string>(), actors: new Set<string>() }
  const add = (kind: Kind, part: unknown): void => namesIn(part).forEach((name) => uses[kind].add(name))
  for (const node of statesOf(machine)) {
    add('actions', [...node.entry, ...node.exit])
    add(
      'actors',
      node.invoke.map(({ src }) => src),
    )
    add('delays', Object.keys(node.config.after ?? {}))
    for (const { actions, guard } of transitionsOf(node)) {
      add('actions', actions)
      add('guards', guard)
    }
  }
  const { actions, guards } = machine.implementations as { actions: object; guards: object }
  for (const action of Object.values(actions) as unknown[]) {
    if (typeof action === 'function' && 'delay' in action) add('delays', action.delay)
  }
  for (const guard of Object.values(guards) as unknown[]) add('guards', guard)
  return uses
}

const BUILT_IN = /^xstate\./

describe('every machine', () => {
  it('is in the list', () => {
    expect(machines.map(([id]) => id).toSorted()).toEqual([
      'breaker',
      'channel',
      'conflict',
      'connectivity',
      'engine',
      'lock',
      'operation',
      'pull',
    ])
  })

  it.each(machines)(
    '%s: each action, guard, delay and actor that its states name is implemented, and none is left over',
    (_, machine) => {
      const uses = usesOf(machine)
      for (const kind of ['actions', 'guards', 'delays', 'actors'] as const) {
        const implemented = Object.keys(machine.implementations[kind])
        const used = [...uses[kind]].filter((name) => !BUILT_IN.test(name))
        expect({ kind, missing: used.filter((name) => !implemented.includes(name)) }).toEqual({ kind, missing: [] })
        expect({ kind, unused: implemented.filter((name) => !used.includes(name)) }).toEqual({ kind, unused: [] })
      }
    },
  )

  it.each(machines)('L5 %s: each state that is not final has a way out', (_, machine) => {
    const stuck = statesOf(machine)
      .filter((node) => node.type === 'atomic')
      .filter((node) => !waysOut(node).some((target) => target !== node))
    expect(stuck.map(({ id }) => id)).toEqual([])
  })

  it.each(machines)('L5 %s: each actor that it invokes may fail', (_, machine) => {
    const handled = new Set(
      statesOf(machine)
        .flatMap(transitionsOf)
        .map(({ eventType }) => eventType),
    )
    const invoked = statesOf(machine).flatMap(({ invoke }) => invoke.map(({ id }) => `xstate.error.actor.${id}`))
    expect(invoked.filter((type) => !handled.has(type))).toEqual([])
  })

  it.each(machines)('%s: its ids, and those of what it invokes, are its own', (_, machine) => {
    const nodes = statesOf(machine)
    const ids = [...nodes.map(({ id }) => id), ...nodes.flatMap(({ invoke }) => invoke.map(({ id }) => id))]
    expect(new Set(ids).size).toBe(ids.length)
    expect(machines.filter(([id]) => id === machine.id)).toHaveLength(1)
  })

  it.each(machines)('%s: each event that it waits for is spelled like the others', (_, machine) => {
    const events = machine.events.filter((type) => !BUILT_IN.test(type))
    expect(events.filter((type) => !/^[A-Z]+(?:[._][A-Z]+)*$/.test(type))).toEqual([])
  })

  it('that is started without what the engine provides does nothing in silence: it says what to do', async () => {
    const conflict = createActor(exported.conflictMachine, { input: { automatic: undefined, wasSeen: false } }).start()
    expect(await toPromise(conflict)).toMatchObject({
      settlement: 'manual',
      error: { message: expect.stringContaining('provide every actor') },
    })
    const failed = new Promise<unknown>((resolve) => {
      const { retry, ageingMs, maxReconciliations, sendTimeoutMs } = DEFAULTS
      const operation = createActor(exported.operationMachine, { input: { retry, ageingMs, maxReconciliations, sendTimeoutMs } })
      operation.subscribe({ error: resolve })
      operation.start()
    })
    expect(await failed).toMatchObject({ message: expect.stringContaining('provide every effect') })
  })
})

/** Where the transitions of a state and of those around it lead. */
function waysOut(node: AnyStateNode): readonly AnyStateNode[] {
  const own = transitionsOf(node).flatMap(({ target }) => target ?? [])
  return node.parent === undefined ? own : [...own, ...waysOut(node.parent)]
}

import { readFile } from 'node:fs/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { createActor, fromCallback, type AnyMachineSnapshot, type AnyStateMachine, type AnyTransitionDefinition } from 'xstate'
import * as exported from '../../machines/index.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import {
  coverageTable,
  gaps,
  redundantTransitions,
  simplePaths,
  takenOn,
  transitionNames,
  type Path,
} from '../../src/testing/model/index.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { models } from './models/index.ts'

const machines: readonly AnyStateMachine[] = Object.values(exported).filter((value) => typeof value === 'object')
const each = models.map((model) => [model.machine.id, model] as const)

describe('the generated paths', () => {
  it('F1 go through every machine', () => {
    expect(models.map(({ machine }) => machine.id).toSorted()).toEqual(machines.map(({ id }) => id).toSorted())
  })

  it.each(each)('F1 %s: reach each state, take each transition, and see each guard pass and refuse', (_, { coverage }) => {
    expect(gaps(coverage)).toEqual([])
  })

  it.each(each)('F1 %s: none of its transitions could be left out', (_, model) => {
    expect(redundantTransitions(model, model.walks)).toEqual([])
  })

  it.each(each)('F1 %s: a few of them take all transitions, and a running actor takes the same ones', (id, model) => {
    const machine = withoutEffects(machines.find((each) => each.id === id)!)
    const names = transitionNames(machine)
    const taken = model.paths.flatMap((path) => {
      const run = replay(machine, path)
      expect(run.map((transition) => names.get(transition))).toEqual(
        takenOn(path).map((transition) => model.names.get(transition)),
      )
      return run
    })
    expect(new Set(taken)).toEqual(new Set(names.keys()))
  })

  it.each(each)('F1 %s: simple ones of five events come to each state, however many of them there are', (_, { walks }) => {
    const all = new Set(walks.flatMap(({ vertices }) => vertices.map(({ snapshot }) => valueText(snapshot))))
    const met = new Set<string>()
    for (const walk of walks) {
      for (const { start, edges } of simplePaths(walk, 5)) met.add(valueText((edges.at(-1)?.observation ?? start).snapshot))
    }
    expect(met).toEqual(all)
  })

  it('F1 give the figures in SPEC.md', async () => {
    const spec = await readFile(new URL('../../machines/SPEC.md', import.meta.url), 'utf8')
    const rows = coverageTable(models.map(({ coverage }) => coverage))
      .split('\n')
      .map((line) => `| ${line.split(/ +/).join(' | ')} |`)
    expect(spec).toContain(rows.toSpliced(1, 0, '|---|---|---|---|').join('\n'))
  })

  afterAll(() => process.stdout.write(`\n${coverageTable(models.map(({ coverage }) => coverage))}\n`))
})

function valueText({ value }: AnyMachineSnapshot): string {
  return JSON.stringify(value)
}

function withoutEffects(machine: AnyStateMachine): AnyStateMachine {
  const effects = ['send', 'abort', 'reconcile', 'rollBack', 'record', 'reportAuth', 'expire', 'vacate']
  return machine.provide({
    actors: Object.fromEntries(Object.keys(machine.implementations.actors).map((src) => [src, fromCallback(() => {})])),
    actions: machine.id === 'operation' ? Object.fromEntries(effects.map((effect) => [effect, () => {}])) : {},
  })
}

/** Sends the events of a path to an actor. Its timers and actors are silent, for the path speaks in their place. */
function replay(machine: AnyStateMachine, { input, edges }: Path): readonly AnyTransitionDefinition[] {
  const taken: AnyTransitionDefinition[] = []
  const actor = createActor(machine, {
    input,
    clock: machineClock(createVirtualClock()),
    inspect: (event) => {
      if (event.type !== '@xstate.microstep' || event.rootId !== event.actorRef.sessionId) return
      const { _transitions: transitions } = event
      taken.push(...transitions)
    },
  })
  actor.start()
  for (const { event } of edges) actor.send(event)
  actor.stop()
  return taken
}

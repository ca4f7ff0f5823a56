import { afterAll, describe, expect, it } from 'vitest'
import { createActor, fromCallback, setup, type AnyMachineSnapshot, type AnyStateMachine, type AnyTransitionDefinition } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import * as exported from '../../machines/index.ts'
import { lockMachine } from '../../machines/lock.ts'
import {
  actionTexts,
  coverageTable,
  deadEnds,
  gaps,
  redundantTransitions,
  shortestPaths,
  simplePaths,
  takenOn,
  testModel,
  type Model,
  type Path,
} from '../../src/testing/model/index.ts'
import { breakerModel } from './models/breaker.ts'
import { connectivityModel } from './models/connectivity.ts'
import { engineModel } from './models/engine.ts'
import { lockModel } from './models/lock.ts'
import { operationModel } from './models/operation.ts'

const models = [engineModel, lockModel, breakerModel, operationModel, connectivityModel]
const each = models.map((model) => [model.machine.id, model] as const)

describe('the generated paths', () => {
  it('F1 go through every machine', () => {
    const ids = Object.values(exported).flatMap((value) => (typeof value === 'object' ? [value.id] : []))
    expect(models.map(({ machine }) => machine.id).toSorted()).toEqual(ids.toSorted())
  })

  it.each(each)('F1 %s: reach each state, take each transition, and see each guard pass and refuse', (_, { coverage }) => {
    expect(gaps(coverage)).toEqual([])
  })

  it.each(each)('F1 %s: no transition could be left out', (_, model) => {
    expect(redundantTransitions(model, model.walks)).toEqual([])
  })

  it.each(each)('F1 %s: a few of them take everything, and a running actor takes the same', (_, model) => {
    const taken = model.paths.flatMap((path) => {
      const run = replay(model, path)
      expect(run.values).toEqual([path.start, ...path.edges.map(({ observation }) => observation)].map(({ snapshot }) => snapshot.value))
      return run.taken
    })
    expect(new Set(taken)).toEqual(new Set(model.names.keys()))
  })

  afterAll(() => process.stdout.write(`\n${coverageTable(models.map(({ coverage }) => coverage))}\n`))
})

/** Sends the events of a path to a real actor, whose effects and actors do nothing. */
function replay({ machine }: Model, { input, edges }: Path) {
  const taken: AnyTransitionDefinition[] = []
  const { actors, actions } = machine.implementations
  const idle = machine.provide({})
}

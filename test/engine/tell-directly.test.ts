import { describe, expect, it } from 'vitest'
import { createActor, setup, type AnyActor, type InspectionEvent } from 'xstate'
import { tellDirectly, withRoot } from '../../src/engine/tell-directly.ts'

const blinker = setup({ actions: { note: () => {} }, delays: { patience: 1_000 } }).createMachine({
  initial: 'dark',
  states: {
    dark: { entry: 'note', on: { TOGGLE: 'bright' } },
    bright: { exit: 'note', on: { TOGGLE: 'dark' }, after: { patience: 'dark' } },
  },
})

/** What is told of an actor, without the names that XState counts over the whole process. */
function toldOf(begin: (inspect: (event: InspectionEvent) => void) => AnyActor): readonly object[] {
  const told: object[] = []
  const actors = new Set<unknown>()
  const inspect = ({ actorRef, rootId, ...rest }: InspectionEvent): void => {
    actors.add(actorRef)
    const { snapshot, ...plain } = 'snapshot' in rest ? rest : { ...rest, snapshot: undefined }
    told.push({ ...plain, isOfRoot: rootId === actorRef.sessionId, value: snapshot && 'value' in snapshot && snapshot.value })
  }
  const actor = begin(inspect)
  actor.start()
  actor.send({ type: 'TOGGLE' })
  actor.send({ type: 'TOGGLE' })
  actor.send({ type: 'UNKNOWN' })
  actor.stop()
  expect([...actors]).toEqual([actor])
  return told.map((one) => JSON.parse(JSON.stringify(one, (name, value) => (name.startsWith('_') ? undefined : value))))
}

describe('an actor that tells directly', () => {
  it('F1 F3 tells whoever inspects it the same as XState does', () => {
    const byXState = toldOf((inspect) => createActor(blinker, { inspect }))
    const directly = toldOf((inspect) => {
      const actor = createActor(blinker)
      tellDirectly(actor, (event) => inspect(withRoot(event)))
      return actor
    })
    expect(byXState.length).toBeGreaterThan(15)
    expect(directly).toEqual(byXState)
  })
})

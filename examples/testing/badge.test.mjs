// Tests that are generated from the badge's machine: one for each way that together take all of its transitions.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSimulatedTime, deadEnds, gaps, pathTitle, testModel } from 'synchart/testing'
import { createActor } from 'xstate'
import { badgeMachine, badgeText } from './badge.mjs'

const types = ['SAVE', 'SAVED', 'REFUSED', 'OFFLINE', 'ONLINE', 'DISMISS']
const model = testModel(badgeMachine, {
  inputs: [undefined],
  events: Object.fromEntries(types.map((type) => [type, [{ type }]])),
})

test('every state of the badge can be reached, and every transition taken', () => {
  assert.deepEqual(gaps(model.coverage), [])
})

test('the badge never gets stuck: from every state it can disappear again', () => {
  const [walk] = model.walks
  assert.deepEqual(
    deadEnds(
      walk,
      ({ snapshot }) => snapshot.value === 'hidden',
      () => true,
    ),
    [],
  )
})

for (const path of model.paths) {
  test(`the badge: ${pathTitle(model, path)}`, async () => {
    const time = createSimulatedTime()
    const badge = createActor(badgeMachine, { clock: time.actorClock }).start()
    for (const { event, to } of path.edges) {
      // Timers of the machine are events of the path; here real ones of virtual time take their place.
      if (event.type.startsWith('xstate.after.')) await time.run(3_000)
      else badge.send(event)
      assert.equal(badge.getSnapshot().value, to.snapshot.value)
      assert.equal(typeof badgeText(badge.getSnapshot()), 'string')
    }
  })
}

import { createActor, fromCallback } from 'xstate'
import { pullMachine, type PageResult, type PullInput } from '../../../machines/pull.ts'
import { testModel } from '../../../src/testing/model/index.ts'

const parent = createActor(
  fromCallback(() => {}),
  { id: 'parent' },
)

/** What is pulled by itself: one kind, or nothing. */
export function pullInput(entities: readonly string[]): PullInput {
  return { parent, entities }
}

export const REST_MS = 300_000
export const RETRY_MS = 500

/** The whole is divided into these. */
export function partsResult(scopes: readonly string[]): PageResult {
  return { type: 'parts', began: false, scopes, delayMs: Infinity }
}

export function pageResult(type: PageResult['type'], began: boolean, delayMs: number = Infinity): PageResult {
  return { type, began, delayMs }
}

export const pullModel = testModel(pullMachine, {
  inputs: [pullInput(['note']), pullInput([])],
  events: {
    GO: [{ type: 'GO' }],
    HOLD: [{ type: 'HOLD' }],
    PULL: [
      { type: 'PULL', targets: [{ entity: 'note', full: false }] },
      { type: 'PULL', targets: [{ entity: 'task', full: true }] },
    ],
  },
  outputs: {
    page: ({ context: { entities, queue } }) => [
      pageResult('more', true),
      pageResult('complete', false, entities.length === 0 ? Infinity : REST_MS),
      ...(queue[0]?.scope === undefined ? [partsResult(['mine'])] : []),
      pageResult('failed', false, RETRY_MS),
      pageResult('auth', queue[0]?.full === true),
      pageResult('fenced', false),
    ],
  },
  key: ({ context: { queue, failed, delayMs } }) => [
    queue.map(({ entity, scope, full }) => [entity, scope, full]),
    failed.map(({ entity, scope }) => `${entity} ${scope}`).toSorted(),
    delayMs === Infinity,
  ],
})

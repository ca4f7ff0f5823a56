import type { EnqueueInput } from '../../engine/types.ts'
import type { Fact } from '../world/facts.ts'
import { STAMP } from '../world/settings.ts'
import type { Checker } from './invariant.ts'
import { noteGivenIds, withGivenIds } from './names.ts'

/** S1, L10: every call of `enqueue` is answered, and what it is answered with is what was asked for. */
export const acceptance: Checker = ({ register }, report) => {
  const waiting = new Map<number, Extract<Fact, { type: 'asked' }>>()
  const contents = new Map<string, string>()
  const givenIds = new Map<string, string>()

  function accepted({ ticket, ids, tab }: Extract<Fact, { type: 'accepted' }>): void {
    const inputs = waiting.get(ticket)?.inputs ?? []
    waiting.delete(ticket)
    for (const [at, input] of inputs.entries()) {
      const id = ids[at] ?? ''
      const content = contents.get(id)
      // Equal intents share an operation, whatever it holds.
      if (content === undefined || input.dedupeKey !== undefined || register.byId(id)?.isTainted) continue
      const asked = contentOf(input)
      // Which of the ids were known by then, only the store can tell.
      if (content !== asked && withGivenIds(content, givenIds) !== withGivenIds(asked, givenIds))
        report('S1', `${tab} was told that ${id} stands for ${asked}, but it was stored as ${content}.`)
    }
  }

  return {
    see(fact) {
      if (fact.type === 'asked') waiting.set(fact.ticket, fact)
      else if (fact.type === 'declined') waiting.delete(fact.ticket)
      else if (fact.type === 'accepted') accepted(fact)
      else if (fact.type === 'tab' && fact.change === 'killed') {
        for (const [ticket, { tab }] of waiting) if (tab === fact.tab) waiting.delete(ticket)
      } else if (fact.type === 'committed') {
        noteGivenIds(fact, givenIds)
        for (const { before, row } of fact.changes)
          if (before === undefined && row !== undefined) contents.set(row.id, contentOf({ ...row, id: row.entityId }))
      }
    },
    end() {
      for (const [ticket, { tab }] of waiting) report('L10', `#${ticket} was never answered, and ${tab} has stopped.`)
    },
  }
}

/** Without what the engine adds. */
function contentOf({ type, entity, id, payload }: EnqueueInput): string {
  return JSON.stringify([type, entity, id, payload ?? null], (key, value: unknown) => (key === STAMP ? undefined : value))
}

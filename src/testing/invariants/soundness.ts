import { CONFLICTS, ENTITIES } from '../../core/schema.ts'
import { isTerminal } from '../../core/operation.ts'
import { isLosing } from '../faults/kinds.ts'
import type { Fact } from '../world/facts.ts'
import { watchDecay, type Decayed } from './decayed.ts'
import type { Checker } from './invariant.ts'

type Checked = Extract<Fact, { type: 'checked' }>

/** What was wrong when a check began. */
interface Asked {
  readonly moment: number
  readonly unreadable: readonly number[]
  readonly decayed: readonly Decayed[]
}

const NOTHING: Asked = { moment: Infinity, unreadable: [], decayed: [] }

/**
 * S32: whoever checks a store that is sound finds nothing, whatever goes on in it; what can't be read he finds, and what stands or is said to stand where it
 * does not belong; a repair puts that right, and removes no operation; and once everything has ended and was repaired, nothing is left to be found.
 */
export const soundness: Checker = (_, report) => {
  /** By device: the numbers of operations that can't be read, with those that could not at some time. */
  const damaged = new Map<string, Set<number>>()
  const wasDamaged = new Map<string, Set<number>>()
  const decay = watchDecay()
  const isOld = new Set<string>()
  /** Whose engine a tab has. */
  const users = new Map<string, string>()
  /** By tab: what was wrong when its checks that are under way began. */
  const asked = new Map<string, Map<object, Asked>>()

  function checked(fact: Checked): void {
    const { tab, result, call } = fact
    const open = asked.get(tab) ?? new Map<object, Asked>()
    asked.set(tab, open)
    if (result === 'asked') return void open.set(call, wrongNow(fact))
    const before = open.get(call) ?? NOTHING
    open.delete(call)
    if (result === 'done') judge(fact, before)
  }

  function wrongNow({ tab, device, isCompared }: Checked): Asked {
    const own = decay
      .of(device)
      .filter(({ user, isUntouched, kind }) => isUntouched && user === users.get(tab) && (isCompared || kind !== 'wrong-replica'))
    return { moment: decay.moment(), unreadable: [...(damaged.get(device) ?? [])], decayed: own }
  }

  function judge({ tab, device, problems, isAtRest, repair, isUndecided }: Checked, before: Asked): void {
    if (isAtRest && problems.length > 0) report('S32', `At rest ${tab} finds after a repair: ${problems.join('; ')}`)
    const known = wasDamaged.get(device) ?? new Set()
    const suspects = decay.of(device).filter(({ mendedAt = Infinity }) => mendedAt > before.moment)
    const wrong = isOld.has(device)
      ? []
      : problems.filter((problem) => !isOfDamage(problem, known) && !isOfDecay(problem, suspects))
    if (wrong.length > 0) report('S32', `In a sound store ${tab} finds: ${wrong.join('; ')}`)
    const now = damaged.get(device) ?? new Set()
    const missed = before.unreadable.filter(
      (seq) => now.has(seq) && !problems.some((problem) => problem.startsWith(`unreadable operations ${seq}:`)),
    )
    if (missed.length > 0) report('S32', `${tab} does not find that these can't be read: ${missed.join(', ')}.`)
    // What the server did not tell nobody could compare.
    const left = before.decayed.filter(({ isUntouched, kind }) => isUntouched && !(isUndecided && kind === 'wrong-replica'))
    const unseen = left.filter((one) => !problems.some((problem) => isOfDecay(problem, [one])))
    if (unseen.length > 0) report('S32', `${tab} does not find what is wrong with ${unseen.map(nameOf).join(', ')}.`)
    // Of entities only the owner of the lease writes what only the server knows.
    const unmended = repair ? left.filter(({ collection }) => collection !== ENTITIES) : []
    if (unmended.length > 0) report('S32', `${tab} leaves what is wrong with ${unmended.map(nameOf).join(', ')}.`)
  }

  return {
    see(fact) {
      decay.see(fact)
      if (fact.type === 'fault' && fact.kind === 'corrupt-row')
        for (const seq of fact.seqs) {
          setOf(damaged, fact.where).add(seq)
          setOf(wasDamaged, fact.where).add(seq)
        }
      if (fact.type === 'fault' && isLosing(fact.kind)) {
        isOld.add(fact.where)
        damaged.delete(fact.where)
      }
      if (fact.type === 'committed')
        for (const { seq, row, before } of fact.changes) {
          damaged.get(fact.device)?.delete(seq)
          if (row === undefined && before !== undefined && !isTerminal(before.status) && (asked.get(fact.tab)?.size ?? 0) > 0)
            report('S32', `${fact.tab} removed ${before.id} (${before.status}) in a check.`)
        }
      if (fact.type === 'tab') {
        // One that sleeps goes on with its checks when it wakes, and what was asked of an engine that stops it answers all the same.
        if (fact.change === 'killed') asked.delete(fact.tab)
        users.set(fact.tab, fact.user)
      }
      if (fact.type === 'checked') checked(fact)
    },
  }
}

function setOf(sets: Map<string, Set<number>>, name: string): Set<number> {
  const set = sets.get(name) ?? new Set()
  sets.set(name, set)
  return set
}

/** What can't be read, and what went with it. */
function isOfDamage(problem: string, seqs: ReadonlySet<number>): boolean {
  if (seqs.size === 0) return false
  const [, code, seq] = /^(\w+) \w+ (\d+)?/.exec(problem) ?? []
  return code === 'unreadable' ? seqs.has(Number(seq)) : code === 'transaction' || code === 'conflict' || code === 'dependency'
}

/** What is wrong itself, or waits for a conflict that is. */
function isOfDecay(problem: string, decayed: readonly Decayed[]): boolean {
  return decayed.some(({ collection, key, kind }) => {
    const codes = kind === 'wrong-replica' ? ['differs'] : ['place', 'field']
    const isItself = codes.some((code) => problem.startsWith(`${code} ${collection} ${key}:`))
    return isItself || (collection === CONFLICTS && problem.startsWith('conflict '))
  })
}

function nameOf({ collection, key, field }: Decayed): string {
  return `the ${field} of ${collection} ${key}`
}

import { isTerminal } from '../../core/operation.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

type Checked = Extract<Fact, { type: 'checked' }>

/** After these a store may lack what it had, or have it as it was. */
const DAMAGING: ReadonlySet<string> = new Set(['power-loss', 'evicted', 'torn-write'])

/**
 * S32: whoever checks a store that is sound finds nothing, whatever goes on in it; what can't be read he finds; a repair removes no operation; and once
 * everything has ended and was repaired, nothing is left to be found.
 */
export const soundness: Checker = (_, report) => {
  /** By device: the numbers of operations that can't be read, with those that could not at some time. */
  const damaged = new Map<string, Set<number>>()
  const wasDamaged = new Map<string, Set<number>>()
  const isOld = new Set<string>()
  /** By tab: what could not be read when its checks that are under way began. */
  const asked = new Map<string, (readonly number[])[]>()

  function checked(fact: Checked): void {
    const { tab, device, result } = fact
    const open = asked.get(tab) ?? []
    asked.set(tab, open)
    if (result === 'asked') return void open.push([...(damaged.get(device) ?? [])])
    const before = open.shift() ?? []
    if (result === 'done') judge(fact, before)
  }

  function judge({ tab, device, problems, isAtRest }: Checked, before: readonly number[]): void {
    if (isAtRest && problems.length > 0) report('S32', `At rest ${tab} finds after a repair: ${problems.join('; ')}`)
    const known = wasDamaged.get(device) ?? new Set()
    const wrong = isOld.has(device) ? [] : problems.filter((problem) => !isOfDamage(problem, known))
    if (wrong.length > 0) report('S32', `In a sound store ${tab} finds: ${wrong.join('; ')}`)
    const now = damaged.get(device) ?? new Set()
    const missed = before.filter(
      (seq) => now.has(seq) && !problems.some((problem) => problem.startsWith(`unreadable operations ${seq}:`)),
    )
    if (missed.length > 0) report('S32', `${tab} does not find that these can't be read: ${missed.join(', ')}.`)
  }

  return {
    see(fact) {
      if (fact.type === 'fault' && fact.kind === 'corrupt-row')
        for (const seq of fact.seqs) {
          setOf(damaged, fact.where).add(seq)
          setOf(wasDamaged, fact.where).add(seq)
        }
      if (fact.type === 'fault' && DAMAGING.has(fact.kind)) {
        isOld.add(fact.where)
        damaged.delete(fact.where)
      }
      if (fact.type === 'committed')
        for (const { seq, row, before } of fact.changes) {
          damaged.get(fact.device)?.delete(seq)
          if (row === undefined && before !== undefined && !isTerminal(before.status) && (asked.get(fact.tab)?.length ?? 0) > 0)
            report('S32', `${fact.tab} removed ${before.id} (${before.status}) in a check.`)
        }
      if (fact.type === 'tab') asked.delete(fact.tab)
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

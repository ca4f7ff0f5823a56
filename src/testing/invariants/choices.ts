import { isRecord } from '../../core/schema.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'
import { BLINDING, rowsIn } from './replicas.ts'

/** Whether a part is followed, as far as it was said; undecided while somebody is about to say so. */
interface Choice {
  isFollowed: boolean | undefined
  asked: number
}

/** S1: that a part of the notes is followed, or is not any more, holds from when it was confirmed, whatever becomes of that process, and whatever else is chosen at once. */
export const choices: Checker = (_, report) => {
  /** By device, user and part. */
  const chosen = new Map<string, Choice>()
  const blind = new Set<string>()

  function seen({ tab, device, user, part, isFollowed, result }: Extract<Fact, { type: 'chosen' }>): void {
    const name = `${device} ${user} ${part}`
    const one = chosen.get(name) ?? { isFollowed: undefined, asked: 0 }
    chosen.set(name, one)
    if (result === 'asked') {
      one.asked += 1
      one.isFollowed = undefined
    } else {
      one.asked -= 1
      if (result === 'done' && one.asked === 0) one.isFollowed = isFollowed
    }
    if (result === 'done' && one.asked === 0 && !blind.has(device)) judge(tab, device)
  }

  const stored = new Map<string, readonly unknown[]>()

  function judge(tab: string, device: string): void {
    for (const [name, { isFollowed }] of chosen) {
      const [where = '', user = '', part = ''] = name.split(' ')
      if (where !== device || isFollowed === undefined) continue
      const all = stored.get(`${device} ${user}`)
      if (all?.includes(part) !== isFollowed)
        report('S1', `${tab} has ${String(all)} followed for ${user}, though ${part} was ${isFollowed ? 'taken up' : 'let go'}.`)
    }
  }

  function committed({ tab, device, others }: Extract<Fact, { type: 'committed' }>): void {
    for (const { name, scopes } of rowsIn(others)) {
      if (typeof name !== 'string' || !name.startsWith('scopes/') || !isRecord(scopes)) continue
      const { note } = scopes
      stored.set(`${device} ${name.slice('scopes/'.length)}`, Array.isArray(note) ? note : [])
      if (!blind.has(device)) judge(tab, device)
    }
  }

  return {
    see(fact) {
      if (fact.type === 'fault' && BLINDING.has(fact.kind)) blind.add(/^d\d+/.exec(fact.where)?.[0] ?? '')
      else if (fact.type === 'chosen') seen(fact)
      else if (fact.type === 'committed' && fact.others.length > 0) committed(fact)
    },
  }
}

import type { Checker } from './invariant.ts'

/** S10: at most one epoch's owner writes are accepted, and each epoch has one owner. */
export const ownership: Checker = (_, report) => {
  const epochs = new Map<string, number>()
  const owners = new Map<string, string>()

  return {
    see(fact) {
      if (fact.type === 'fault' && (fact.kind === 'evicted' || fact.kind === 'power-loss')) {
        epochs.delete(fact.where)
        for (const key of owners.keys()) if (key.startsWith(`${fact.where} `)) owners.delete(key)
      }
      if (fact.type !== 'committed') return
      const { device, tab, lease, epoch } = fact
      const highest = epochs.get(device) ?? 0
      if (lease !== undefined) {
        if (lease.epoch < highest)
          report('S10', `${tab} set the lease of ${device} from epoch ${highest} back to ${lease.epoch}.`)
        epochs.set(device, lease.epoch)
      }
      if (epoch === undefined) return
      if (epoch < highest) report('S10', `${tab} wrote as owner of epoch ${epoch}, though ${highest} had begun.`)
      const owner = owners.get(`${device} ${epoch}`) ?? tab
      owners.set(`${device} ${epoch}`, owner)
      if (owner !== tab) report('S10', `${tab} and ${owner} both wrote as owners of epoch ${epoch}.`)
    },
  }
}

import type { Checker } from './invariant.ts'

/** S27: what a newer build has taken over, an older one neither opens nor writes. */
export const builds: Checker = ({ settings }, report) => {
  const newest = new Map<string, number>()
  const builds = new Map<string, number>()
  /** Tabs that were opened when the store was too new for them already. */
  const late = new Set<string>()

  return {
    see(fact) {
      // There they open the same store, and it is its rows that have versions.
      if (settings.shapes !== 'none') return
      if (fact.type === 'fault' && fact.kind === 'evicted') newest.delete(fact.where)
      if (fact.type === 'tab' && fact.change === 'starting') {
        builds.set(fact.tab, fact.build)
        if (fact.build < (newest.get(fact.device) ?? 0)) late.add(fact.tab)
        else late.delete(fact.tab)
      }
      if (fact.type === 'tab' && fact.change === 'started') {
        const version = newest.get(fact.device) ?? 0
        if (late.has(fact.tab) && fact.build < version)
          report('S27', `${fact.tab} of build ${fact.build} started on a store of build ${version}.`)
        newest.set(fact.device, Math.max(version, fact.build))
      }
      if (fact.type !== 'committed') return
      const [build, version] = [builds.get(fact.tab) ?? 0, newest.get(fact.device) ?? 0]
      if (build < version) report('S27', `${fact.tab} of build ${build} wrote a store of build ${version}.`)
    },
  }
}

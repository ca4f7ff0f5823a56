import type { TracedActors } from '../../src/core/trace.ts'
import { el } from './dom.ts'
import { valueText } from './moment.ts'

const MACHINES = ['engine', 'lock', 'breaker', 'connectivity', 'channel', 'pull']
const WORRYING = /^(?:open|halfOpen|offline|failed|restarting|running\.owning\.paused|running\.following)/

/** Where the parts of one engine are, in a line. */
export function createGlance() {
  const element = el('ul', { class: 'glance', 'aria-label': 'At a glance' })
  let shown = ''

  return {
    element,
    show(actors: TracedActors, engine: string | undefined): void {
      const parts = MACHINES.flatMap((machine) => {
        const actor = [...actors.values()].find((one) => one.machine === machine && one.engine === engine)
        return actor === undefined ? [] : [[machine, valueText(actor.value)] as const]
      })
      const busy = [...actors.values()].filter(
        (one) => one.machine === 'operation' && one.engine === engine && one.value !== 'idle',
      ).length
      const all = [...parts, ['in play', String(busy)] as const]
      const key = all.join()
      if (key === shown) return
      shown = key
      element.replaceChildren(
        ...all.map(([name, value]) =>
          el('li', { class: WORRYING.test(value) ? 'worrying' : undefined }, el('b', {}, name), ` ${value}`),
        ),
      )
    },
  }
}

import { el, short } from './dom.ts'
import { valueText, type Moment } from './moment.ts'

const MACHINES = ['engine', 'lock', 'breaker', 'connectivity', 'channel', 'pull']
const WORRYING = /^(?:open|halfOpen|offline|failed|restarting|running\.owning\.paused|running\.following)/

/** Whether a machine is where it keeps the engine from its work. */
export const isWorrying = (value: string): boolean => WORRYING.test(value)

/** Where the parts of one engine are, in a line. */
export function createGlance() {
  const element = el('ul', { class: 'glance', 'aria-label': 'At a glance' })
  let shown = ''

  return {
    element,
    show({ actors, alerts }: Moment, engine: string | undefined): void {
      const own = [...actors.values()].filter((one) => one.engine === engine)
      const parts = MACHINES.flatMap((machine) => {
        const actor = own.find((one) => one.machine === machine)
        return actor === undefined ? [] : [[machine, valueText(actor.value)] as const]
      })
      const busy = own.filter(({ machine, value }) => machine === 'operation' && value !== 'idle').length
      const raised = [...alerts.values()].filter((one) => one.engine === engine)
      const all = [...parts, ['in play', String(busy)] as const]
      const key = JSON.stringify([engine, all, raised.map(({ alert }) => alert)])
      if (key === shown) return
      shown = key
      element.replaceChildren(
        ...(engine === undefined ? [] : [el('li', { class: 'engine' }, short(engine, 60))]),
        ...all.map(([name, value]) =>
          el('li', { class: isWorrying(value) ? 'worrying' : undefined }, el('b', {}, name), ` ${short(value, 60)}`),
        ),
        ...raised.map(({ alert }) => el('li', { class: 'worrying' }, el('b', {}, 'alert'), ` ${short(alert, 60)}`)),
      )
    },
  }
}

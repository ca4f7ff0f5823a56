import { el, short } from './dom.ts'
import { valueText, type Moment } from './moment.ts'

const MACHINES = ['engine', 'lock', 'breaker', 'connectivity', 'channel', 'pull']
const WORRYING = /^(?:open|halfOpen|offline|failed|restarting|running\.owning\.paused|running\.following)/

/** Whether a machine is where it keeps the engine from its work. */
export const isWorrying = (value: string): boolean => WORRYING.test(value)

/** What states of the engine mean whose names do not tell it. */
const MEANINGS = new Map([
  ['running.owning.draining', 'sends what it can'],
  ['running.owning.paused', 'sends nothing until it is resumed'],
  ['running.following', 'another one sends'],
])

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
      const all = [
        ...(parts.some(([name]) => name === 'engine') ? [] : [['engine', ''] as const]),
        ...parts,
        ['in play', String(busy)] as const,
      ]
      const key = JSON.stringify([engine, all, raised.map(({ alert }) => alert)])
      if (key === shown) return
      shown = key
      element.replaceChildren(
        ...all.map(([name, value]) => chip(name === 'engine' ? titleOf(engine) : name, value)),
        ...raised.map(({ alert }) => el('li', { class: 'worrying' }, el('b', {}, 'alert'), ` ${short(alert, 60)}`)),
      )
    },
  }
}

function chip(name: string, value: string): HTMLElement {
  const meaning = MEANINGS.get(value)
  return el(
    'li',
    { class: isWorrying(value) ? 'worrying' : undefined },
    el('b', {}, name),
    ` ${short(value, 60)}`,
    ...(meaning === undefined ? [] : [el('span', { class: 'meaning' }, `: ${meaning}`)]),
  )
}

/** One that nobody has named is called so already. */
function titleOf(engine: string | undefined): string {
  return engine === undefined || engine === 'engine' ? 'engine' : `engine ${short(engine, 60)}`
}

import { el } from './dom.ts'
import { activeStates } from './moment.ts'
import type { TracedActor } from '../../src/core/trace.ts'
import { drawings } from './drawings.mjs'

const STYLE = /<style>([\s\S]*?)<\/style>/

/** The style that all drawings share: under a policy without inline styles it goes into a sheet of the page's own. */
export function drawingStyle(): string {
  return STYLE.exec(Object.values(drawings)[0] ?? '')?.[1] ?? ''
}

/** The statechart of one actor, with the active states and the transitions taken last lit up. */
export function createChart() {
  const element = el('div', { class: 'chart', tabindex: 0, role: 'region', 'aria-label': 'Statechart' })
  let machine: string | undefined
  let parts = new Map<string, Element>()
  let lit: readonly Element[] = []

  function load(next: string | undefined): void {
    machine = next
    const text = next === undefined || !Object.hasOwn(drawings, next) ? undefined : drawings[next]
    element.replaceChildren()
    parts = new Map()
    if (text === undefined) return element.append(el('p', { class: 'nothing' }, 'Choose an actor that has a statechart.'))
    const drawing = new DOMParser().parseFromString(text.replace(STYLE, ''), 'image/svg+xml').documentElement
    for (const part of drawing.querySelectorAll('[id]')) parts.set(part.id, part)
    element.append(document.importNode(drawing, false))
    element.firstElementChild?.append(...drawing.childNodes)
  }

  load(undefined)
  return {
    element,
    show(actor: TracedActor | undefined): void {
      if (actor?.machine !== machine) load(actor?.machine)
      const active = actor?.machine === undefined ? [] : activeStates(actor.machine, actor.value)
      const now = [
        ...active.map((id) => ['active', `state:${id}`] as const),
        ...(actor?.taken ?? []).map((id) => ['taken', `transition:${id}`] as const),
      ]
      for (const part of lit) part.classList.remove('active', 'taken')
      lit = now.flatMap(([name, id]) => {
        const part = parts.get(id)
        part?.classList.add(name)
        return part === undefined ? [] : [part]
      })
    },
  }
}

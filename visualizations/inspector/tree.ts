import type { TracedActor, TracedActors } from '../../src/core/trace.ts'
import { el, short } from './dom.ts'
import { valueText } from './moment.ts'
import { plain } from './names.ts'

type Placed = readonly [actor: TracedActor, depth: number]

/** The actors that are there, each under its parent; one of them is chosen. */
export function createTree(choose: (actor: string) => void) {
  const element = el('nav', { class: 'tree', 'aria-label': 'Actors' })
  let shown = ''

  element.addEventListener('click', ({ target }) => {
    const actor = target instanceof Element ? target.closest('button')?.dataset['actor'] : undefined
    if (actor !== undefined) choose(actor)
  })

  element.addEventListener('keydown', (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    const rows = [...element.querySelectorAll('button')]
    const from = rows.findIndex((row) => row === event.target)
    if (by === undefined || from < 0) return
    event.preventDefault()
    rows[from + by]?.focus()
  })

  function row(actor: TracedActor, depth: number, chosen: string | undefined): HTMLElement {
    const { name, machine, value } = actor
    const attributes = {
      type: 'button',
      'data-actor': actor.actor,
      class: `depth${Math.min(depth, 4)}`,
      'aria-current': String(actor.actor === chosen),
    }
    const text = machine === undefined || machine === name ? plain(name) : `${name} (${machine})`
    return el(
      'button',
      attributes,
      el('span', { class: 'name' }, short(text, 80)),
      el('span', { class: 'value' }, short(valueText(value), 80)),
    )
  }

  return {
    element,
    show(actors: TracedActors, chosen: string | undefined): void {
      const ordered = inOrder(actors)
      const key = `${chosen}|${ordered.map(([{ actor, value }]) => `${actor}=${valueText(value)}`).join('|')}`
      if (key === shown) return
      shown = key
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['actor'] : undefined
      // One that nobody has named needs no heading: it says `engine` again.
      let engine = ordered.every(([one]) => one.engine === 'engine') ? 'engine' : undefined
      const rows = ordered.flatMap(([actor, depth]) => {
        const heading = actor.engine !== engine && actor.engine !== undefined ? [el('h3', {}, short(actor.engine, 80))] : []
        engine = actor.engine
        return [...heading, row(actor, depth, chosen)]
      })
      element.replaceChildren(...rows)
      if (focused !== undefined) element.querySelector<HTMLElement>(`[data-actor="${CSS.escape(focused)}"]`)?.focus()
    },
  }
}

/** Engine by engine, children after their parents, whoever they say that those are; at most 300. */
function inOrder(actors: TracedActors): readonly Placed[] {
  const children = new Map<string | undefined, TracedActor[]>()
  for (const actor of actors.values()) {
    const above = actor.parent !== undefined && actors.has(actor.parent) ? actor.parent : undefined
    const known = children.get(above)
    if (known === undefined) children.set(above, [actor])
    else known.push(actor)
  }
  const placed = new Map<string, Placed>()
  for (const root of [...(children.get(undefined) ?? []), ...actors.values()]) {
    const next: Placed[] = [[root, 0]]
    for (let one = next.pop(); one !== undefined; one = next.pop()) {
      const [{ actor }, depth] = one
      if (placed.has(actor)) continue
      placed.set(actor, one)
      next.push(...(children.get(actor) ?? []).map((child): Placed => [child, depth + 1]).toReversed())
    }
  }
  return [...placed.values()].toSorted(([a], [b]) => (a.engine ?? '').localeCompare(b.engine ?? '')).slice(0, 300)
}

import { el } from './dom.ts'

/** Some views of which one is seen. */
export function createTabs(views: readonly (readonly [name: string, view: HTMLElement])[], changed: () => void) {
  let current = views[0]?.[0]
  const buttons = views.map(([name, view]) => {
    const made = el('button', { type: 'button', role: 'tab' }, name)
    made.ariaControlsElements = [view]
    made.addEventListener('click', () => choose(name))
    return made
  })

  function choose(name: string): void {
    current = name
    for (const [index, [other, view]] of views.entries()) {
      view.hidden = other !== name
      buttons[index]?.setAttribute('aria-selected', String(other === name))
      buttons[index]?.setAttribute('tabindex', other === name ? '0' : '-1')
    }
    changed()
  }

  function keyed(event: KeyboardEvent): void {
    const to = placeAfter(
      event,
      views.findIndex(([name]) => name === current),
      views.length,
    )
    const [name] = views[to ?? -1] ?? []
    if (to === undefined || name === undefined) return
    event.preventDefault()
    choose(name)
    buttons[to]?.focus()
  }

  const list = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'What is shown' }, ...buttons)
  list.addEventListener('keydown', keyed)
  for (const [, view] of views) view.setAttribute('role', 'tabpanel')
  const element = el('div', { class: 'views' }, list, ...views.map(([, view]) => view))
  return { element, choose, current: () => current }
}

/** Which of `count` tabs a key leads to, round and round. Home and End are those of the trace. */
function placeAfter({ key, shiftKey }: KeyboardEvent, from: number, count: number): number | undefined {
  if (shiftKey) return undefined
  return { ArrowLeft: (from - 1 + count) % count, ArrowRight: (from + 1) % count }[key]
}

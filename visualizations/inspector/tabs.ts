import { el } from './dom.ts'

/** Some views of which one is seen. */
export function createTabs(views: readonly (readonly [name: string, view: HTMLElement])[], changed: () => void) {
  let current = views[0]?.[0]
  const buttons = views.map(([name]) => {
    const made = el('button', { type: 'button', role: 'tab' }, name)
    made.addEventListener('click', () => choose(name))
    return made
  })

  function choose(name: string): void {
    current = name
    for (const [index, [other, view]] of views.entries()) {
      view.hidden = other !== name
      buttons[index]?.setAttribute('aria-selected', String(other === name))
    }
    changed()
  }

  function beside(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    const from = views.findIndex(([name]) => name === current)
    const [next] = views[(from + (by ?? 0) + views.length) % views.length] ?? []
    if (by === undefined || next === undefined) return
    choose(next)
    buttons[views.findIndex(([name]) => name === next)]?.focus()
  }

  const list = el('div', { class: 'tabs', role: 'tablist', 'aria-label': 'What is shown' }, ...buttons)
  list.addEventListener('keydown', beside)
  for (const [, view] of views) view.setAttribute('role', 'tabpanel')
  const element = el('div', { class: 'views' }, list, ...views.map(([, view]) => view))
  return { element, choose, current: () => current }
}

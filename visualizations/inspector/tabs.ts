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

  const element = el(
    'div',
    { class: 'views' },
    el('div', { class: 'tabs', role: 'tablist' }, ...buttons),
    ...views.map(([, view]) => view),
  )
  return { element, choose, current: () => current }
}

import { el } from './dom.ts'

/** What each key does, and what a person reads of it. */
const KEYS: readonly (readonly [keys: readonly string[], does: string])[] = [
  [['space'], 'play or pause'],
  [['←', '→'], 'a line'],
  [['shift', '←', '→'], 'a transition'],
  [['Home', 'End'], 'first, last'],
  [['L'], 'live'],
  [['F'], 'follow'],
]

/** The keys, for who looks for them. */
export function keysHint(): HTMLElement {
  const hints = KEYS.map(([keys, does]) => el('span', {}, ...keys.flatMap((key) => [el('kbd', {}, key), ' ']), does))
  return el('p', { class: 'keys' }, ...hints)
}

/** Inputs that type or move with these keys themselves. */
const OWN_KEYS = 'textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=file], [type=button])'
const PRESSED_WITH_SPACE = 'button, summary, input'

/** Whether the control that has the focus needs this key for itself. */
export function isOwnKey(target: EventTarget | null, { key, shiftKey }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.closest(OWN_KEYS) !== null) return true
  if (key === ' ') return target.closest(PRESSED_WITH_SPACE) !== null
  return key.startsWith('Arrow') && !shiftKey && isScrolled(target, key)
}

/** A view or the drawing, if it is larger than its pane this way; the timeline moves with the time. */
function isScrolled(target: HTMLElement, key: string): boolean {
  if (!target.matches('.views > section, .canvas')) return false
  const isSideways = key === 'ArrowLeft' || key === 'ArrowRight'
  return isSideways ? target.scrollWidth > target.clientWidth : target.scrollHeight > target.clientHeight
}

import { glow } from './afterglow.ts'
import { button, el, say, short } from './dom.ts'
import { activeStates } from './moment.ts'
import type { TracedActor } from '../../src/core/trace.ts'
import { drawings } from './drawings.mjs'
import type { Step } from './passed.ts'

const STYLE = /<style>([\s\S]*?)<\/style>/
/** Smaller, its text could not be read: it is scrolled then. */
const LEAST_SCALE = 0.78
const MOST_SCALE = 1.2
const ZOOM = 1.25
const MARGIN_PX = 24

/** The style that all drawings share: under a policy without inline styles it goes into a sheet of the page's own. */
export function drawingStyle(): string {
  return STYLE.exec(Object.values(drawings)[0] ?? '')?.[1] ?? ''
}

/** The statechart of one actor, with the active states and the transitions taken last lit up and in sight; those that were passed since the last frame glow for a moment. */
export function createChart() {
  const canvas = el('div', { class: 'canvas', tabindex: 0, role: 'region', 'aria-label': 'Statechart' })
  const title = el('h2')
  const element = el(
    'section',
    { class: 'chart' },
    el(
      'header',
      {},
      title,
      button('Smaller', '−', () => zoom(1 / ZOOM)),
      button('As large as there is room', 'Fit', () => zoom(undefined)),
      button('Larger', '+', () => zoom(ZOOM)),
    ),
    canvas,
  )
  let machine: string | undefined
  let drawing: SVGSVGElement | undefined
  let parts = new Map<string, Element>()
  let lit: readonly Element[] = []
  let shown = ''
  /** By how much more than what fits somebody wants it. */
  let larger = 1
  /** Who scrolls by hand is left alone until another chart is drawn. */
  let isHeld = false

  for (const type of ['wheel', 'pointerdown', 'keydown'] as const)
    canvas.addEventListener(type, () => (isHeld = true), { passive: true })
  const observer = new ResizeObserver(fit)
  observer.observe(canvas)

  function zoom(by: number | undefined): void {
    larger = by === undefined ? 1 : Math.min(4, Math.max(0.25, larger * by))
    fit()
  }

  function fit(): void {
    if (drawing === undefined) return
    const { width, height } = drawing.viewBox.baseVal
    const whole = Math.min(canvas.clientWidth / width, canvas.clientHeight / height)
    const fitting = Math.min(MOST_SCALE, Math.max(LEAST_SCALE, whole))
    drawing.setAttribute('width', String(width * fitting * larger))
    drawing.setAttribute('height', String(height * fitting * larger))
    bringIntoSight()
  }

  function load(next: string | undefined): void {
    machine = next
    isHeld = false
    drawing = undefined
    parts = new Map()
    const text = next === undefined || !Object.hasOwn(drawings, next) ? undefined : drawings[next]
    if (text === undefined)
      return canvas.replaceChildren(
        el('p', { class: 'nothing' }, 'There is no drawing of this one: choose an actor that has a statechart.'),
      )
    const parsed = new DOMParser().parseFromString(text.replace(STYLE, ''), 'image/svg+xml').documentElement
    for (const part of parsed.querySelectorAll('[id]')) parts.set(part.id, part)
    const own = document.importNode(parsed, false)
    own.append(...parsed.childNodes)
    canvas.replaceChildren(own)
    if (own instanceof SVGSVGElement) drawing = own
    fit()
  }

  /** The innermost active states, if they are not. */
  function bringIntoSight(): void {
    const active = lit.filter((part) => part.classList.contains('active'))
    const inner = active.filter((part) => !active.some((other) => other.id.startsWith(`${part.id}.`)))
    if (isHeld || inner.length === 0) return
    const pane = canvas.getBoundingClientRect()
    const boxes = inner.map((part) => part.getBoundingClientRect())
    canvas.scrollTop += offset(
      Math.min(...boxes.map(({ top }) => top)) - pane.top,
      Math.max(...boxes.map(({ bottom }) => bottom)) - pane.top,
      canvas.clientHeight,
    )
    canvas.scrollLeft += offset(
      Math.min(...boxes.map(({ left }) => left)) - pane.left,
      Math.max(...boxes.map(({ right }) => right)) - pane.left,
      canvas.clientWidth,
    )
  }

  const isDrawn = (id: string): boolean => parts.has(`state:${id}`)

  function light(actor: TracedActor | undefined): void {
    const active = actor?.machine === undefined ? [] : activeStates(actor.machine, actor.value, isDrawn)
    const now = [
      ...active.map((id) => ['active', `state:${id}`] as const),
      ...(actor?.taken ?? []).map((id) => ['taken', `transition:${id}`] as const),
    ]
    const key = now.join(' ')
    if (key === shown) return
    shown = key
    for (const part of lit) part.classList.remove('active', 'taken')
    lit = now.flatMap(([name, id]) => {
      const part = parts.get(id)
      part?.classList.add(name)
      return part === undefined ? [] : [part]
    })
    bringIntoSight()
  }

  function afterglow(passed: readonly Step[]): void {
    const ids = passed.flatMap(({ value, taken }) => [
      ...(machine === undefined ? [] : activeStates(machine, value, isDrawn)).map((id) => `state:${id}`),
      ...taken.map((id) => `transition:${id}`),
    ])
    for (const id of new Set(ids)) {
      const part = parts.get(id)
      if (part !== undefined && !lit.includes(part)) glow(part)
    }
  }

  load(undefined)
  return {
    element,
    show(actor: TracedActor | undefined, name: string, passed: readonly Step[]): void {
      say(title, short(name, 80))
      if (actor?.machine !== machine) {
        load(actor?.machine)
        shown = ''
        lit = []
      }
      light(actor)
      afterglow(passed)
    },
    close: (): void => observer.disconnect(),
  }
}

/** How far to scroll so that this part of what is seen is seen. */
function offset(from: number, to: number, size: number): number {
  if (from < MARGIN_PX) return from - MARGIN_PX
  return to > size - MARGIN_PX ? Math.min(from - MARGIN_PX, to - size + MARGIN_PX) : 0
}

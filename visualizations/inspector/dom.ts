import { visibleText } from '../../src/core/visible-text.ts'

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

type Child = Node | string

/** Attributes that people read or hear. */
const READ = new Set(['title', 'aria-label'])
const SVG = 'http://www.w3.org/2000/svg'

/** An element; what is in it is text, whatever it looks like. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  return filled(document.createElement(tag), attributes, children)
}

export function svg(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement {
  const made = document.createElementNS(SVG, tag)
  if (!(made instanceof SVGElement)) throw new TypeError(`${tag} is no element of SVG.`)
  return filled(made, attributes, children)
}

/** Shows another text; where it is this one already, who selects something in it is left alone. */
export function say(element: Element, text: string): void {
  const shown = visibleText(text)
  if (element.textContent !== shown) element.textContent = shown
}

export function button(label: string, text: string, act: () => void): HTMLButtonElement {
  const made = el('button', { type: 'button', 'aria-label': label, title: label }, text)
  made.addEventListener('click', act)
  return made
}

const MAX_TEXT = 300

/** A text that comes from elsewhere, in the length that can be looked at. */
export function short(text: string, most = MAX_TEXT): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}

/** A table, or a sentence where there is nothing. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[], nothing: string): HTMLElement {
  if (rows.length === 0) return el('p', { class: 'nothing' }, nothing)
  const head = el('tr', {}, ...heads.map((text) => el('th', { scope: 'col' }, text)))
  const body = rows.map((row) => el('tr', {}, ...row.map((text) => el('td', {}, short(text)))))
  return el('table', {}, el('thead', {}, head), el('tbody', {}, ...body))
}

function filled<Made extends Element>(element: Made, attributes: Attributes, children: readonly Child[]): Made {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    const text = value === true ? '' : String(value)
    element.setAttribute(name, READ.has(name) ? visibleText(text) : text)
  }
  element.append(...children.map((child) => (typeof child === 'string' ? visibleText(child) : child)))
  return element
}

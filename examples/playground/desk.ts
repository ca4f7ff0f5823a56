import type { SyncEngine } from 'synchart'
import { mountInspector } from 'synchart/devtools'

declare global {
  interface Window {
    readonly engine?: SyncEngine
  }
}

/** Two devices side by side, and below them the machines of the one that was chosen. */
const place = document.querySelector<HTMLElement>('#inspector')
const choice = document.querySelector<HTMLSelectElement>('#inspected')
const split = document.querySelector<HTMLInputElement>('#split')
let close = (): void => {}

function show(): void {
  const frame = document.querySelector<HTMLIFrameElement>(`iframe[name="${choice?.value}"]`)
  const engine = frame?.contentWindow?.engine
  if (place === null || engine === undefined) return
  close()
  place.replaceChildren()
  close = mountInspector(engine, place)
}

choice?.addEventListener('change', show)
split?.addEventListener('input', () => document.body.style.setProperty('--boards', `${split.value}%`))
for (const frame of document.querySelectorAll('iframe')) frame.addEventListener('load', show)
show()

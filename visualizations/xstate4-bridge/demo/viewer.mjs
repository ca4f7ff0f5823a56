// A viewer for `@xstate/inspect` that comes from this machine: every service with its state and its last event.
import { createWindowReceiver } from '@xstate/inspect'

const rows = new Map()
const table = document.createElement('table')
document.body.append(table)

createWindowReceiver().subscribe((event) => {
  if (event.type === 'service.register') rowOf(event.sessionId).append(...cells(event.machine.id, event.id ?? event.sessionId))
  if (event.type === 'service.register' || event.type === 'service.state') say(event.sessionId, 'state', event.state.value)
  if (event.type === 'service.event') say(event.sessionId, 'event', event.event.data)
  if (event.type === 'service.stop') {
    rows.get(event.sessionId)?.remove()
    rows.delete(event.sessionId)
  }
})

/** Who connects again is told of every service again. */
function rowOf(sessionId) {
  const row = rows.get(sessionId) ?? document.createElement('tr')
  row.replaceChildren()
  rows.set(sessionId, row)
  table.append(row)
  return row
}

function cells(...texts) {
  return [...texts, '', ''].map((text, place) => {
    const cell = document.createElement('td')
    cell.className = ['machine', 'name', 'state', 'event'][place]
    cell.textContent = text
    return cell
  })
}

function say(sessionId, name, value) {
  const cell = rows.get(sessionId)?.querySelector(`.${name}`)
  if (cell) cell.textContent = JSON.stringify(value)
}

// Our statecharts as machines of XState 4: what there is to draw. None of them is ever run.
import { createMachine } from 'xstate'
import * as machines from '../../dist/machines/index.js'

/** By their ids. Without the functions of the definitions: version 4 would not call them as they are meant. */
export const machines4 = new Map(
  Object.values(machines)
    .filter((machine) => typeof machine === 'object' && 'config' in machine)
    .map(({ id, config }) => [id, createMachine({ ...definition4(config), predictableActionArguments: true })]),
)

function definition4(config) {
  return renamed(JSON.parse(JSON.stringify(config)))
}

/** What version 5 calls otherwise: a guard was a `cond`, and to enter again what is entered already was not to be `internal`. */
function renamed(node) {
  if (Array.isArray(node)) return node.map(renamed)
  if (typeof node !== 'object' || node === null) return node
  return Object.fromEntries(Object.entries(node).map(([key, value]) => member(key, value)))
}

function member(key, value) {
  if (key === 'guard') return ['cond', value]
  if (key === 'reenter') return ['internal', !value]
  return [key, renamed(value)]
}

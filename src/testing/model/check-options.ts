import type { AnyStateMachine, AnyStateNode } from 'xstate'
import { ValidationError } from '../../core/errors.ts'
import { isRecord } from '../../core/schema.ts'
import { checkFields, checkFunction } from '../check.ts'

const KNOWN = ['inputs', 'events', 'outputs', 'snapshots', 'errors', 'key', 'limit']

/** A model that is told less than it should be proves less, in silence. @throws ValidationError that names what is wrong. */
export function checkModelOptions(machine: AnyStateMachine, options: unknown): void {
  checkMachine(machine)
  checkFields('options', options, KNOWN)
  if (!isRecord(options)) return
  const { inputs, events, outputs = {}, snapshots = {}, errors = [], key, limit = 1 } = options
  if (!Array.isArray(inputs) || inputs.length === 0)
    throw new ValidationError('inputs', 'must be a list of at least one input: [undefined] for a machine that takes none.')
  checkEvents(machine, events)
  checkBySource(machine, 'outputs', outputs)
  checkBySource(machine, 'snapshots', snapshots)
  if (!Array.isArray(errors)) throw new ValidationError('errors', 'must be a list of what actors may fail with.')
  if (key !== undefined) checkFunction('key', key)
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1)
    throw new ValidationError('limit', 'must be a whole number from 1 up.')
}

function checkMachine(machine: unknown): void {
  if (isRecord(machine) && isRecord(machine['root']) && typeof machine['provide'] === 'function') return
  throw new ValidationError('machine', "must be what XState's createMachine gives, and no actor of it.")
}

function checkBySource({ root }: AnyStateMachine, option: string, given: unknown): void {
  if (!isRecord(given)) throw new ValidationError(option, `must be an object with a list of ${option} for each actor.`)
  const known = [...new Set(sourcesOf(root))]
  for (const [actor, choices] of Object.entries(given)) {
    const path = `${option}.${actor}`
    if (!known.includes(actor))
      throw new ValidationError(path, `is no actor that this machine invokes. There are ${known.join(', ') || 'none'}.`)
    if (typeof choices !== 'function') checkList(path, choices)
  }
}

/** What is given for an option, or what its function gives. @throws ValidationError that names it. */
export function checkList(path: string, given: unknown): asserts given is readonly unknown[] {
  if (!Array.isArray(given)) throw new ValidationError(path, 'must be a list, or a function that gives one, at once.')
}

export function checkEvent(type: string, event: unknown): void {
  if (isRecord(event) && event['type'] === type) return
  throw new ValidationError(`events.${type}`, `must hold events of the type ${type}.`)
}

function checkEvents(machine: AnyStateMachine, events: unknown): void {
  if (!isRecord(events)) throw new ValidationError('events', 'must be an object with a list of events for each type.')
  const known = [...new Set(eventsOf(machine.root))]
  for (const [type, choices] of Object.entries(events)) {
    const path = `events.${type}`
    if (!known.some((descriptor) => isMet(descriptor, type))) {
      if (isEmpty(choices)) continue
      throw new ValidationError(
        path,
        `is no event that this machine heeds; if its types name it, give []. There are ${known.join(', ')}.`,
      )
    }
    if (typeof choices === 'function') continue
    if (!Array.isArray(choices) || isEmpty(choices))
      throw new ValidationError(path, 'must be a list of at least one event, or a function that gives one.')
    for (const event of choices) checkEvent(type, event)
  }
}

function isEmpty(choices: unknown): boolean {
  return Array.isArray(choices) && choices.length === 0
}

/** As XState reads it: `*` is met by all, and `mouse.*` by `mouse` and what begins with `mouse.`. */
function isMet(descriptor: string, type: string): boolean {
  if (descriptor === '*' || descriptor === type) return true
  return descriptor.endsWith('.*') && `${type}.`.startsWith(descriptor.slice(0, -1))
}

/** Those too that are named only to be ignored. */
function eventsOf(node: AnyStateNode): readonly string[] {
  return [...Object.keys(node.config.on ?? {}), ...Object.values(node.states).flatMap(eventsOf)]
}

function sourcesOf({ invoke, states }: AnyStateNode): readonly string[] {
  return [...invoke.flatMap(({ src }) => (typeof src === 'string' ? [src] : [])), ...Object.values(states).flatMap(sourcesOf)]
}

import { OPERATIONS } from '../../core/schema.ts'
import type { DecayedRow, Fact, FactBody, RowChange } from './facts.ts'

/** A running hash over everything that happened; the text itself only where it is asked for. */
export interface Trace {
  add(fact: Fact): void
  hash(): string
  /** A line for each fact; empty unless the text is kept. */
  lines(): readonly string[]
}

export function createTrace(keepsText: boolean): Trace {
  const lines: string[] = []
  let [first, second] = [0x811c9dc5, 0x9e3779b9]

  return {
    lines: () => lines,
    add(fact) {
      const line = `${fact.at} ${describe(fact)}`
      if (keepsText) lines.push(line)
      for (let i = 0; i < line.length; i++) {
        const unit = line.charCodeAt(i)
        first = Math.imul(first ^ unit, 0x01000193)
        second = Math.imul(second ^ unit ^ (first >>> 15), 0x5bd1e995)
      }
    },
    hash: () => [first, second].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join(''),
  }
}

/** A fact in words; no name of it depends on what ran before in the same process. */
function describe(fact: FactBody): string {
  switch (fact.type) {
    case 'tab':
      return `${fact.tab} ${fact.change} (${fact.user})`
    case 'read':
      return `${fact.tab} reads ${fact.call}${fact.failed === undefined ? '' : `: ${fact.failed}`}`
    case 'committed':
      return `${fact.tab} writes ${[...fact.changes.map(describeChange), ...fact.others].join(', ')}${fact.epoch === undefined ? '' : ` as epoch ${fact.epoch}`}`
    case 'refused-commit':
      return `${fact.tab} writes nothing: ${fact.code}`
    case 'asked':
      return `${fact.tab} enqueues #${fact.ticket}: ${fact.inputs.map((input) => `${input.type} ${input.entity}/${input.id} ${JSON.stringify(input.payload) ?? ''}`).join(' and ')}`
    case 'accepted':
      return `${fact.tab} has #${fact.ticket} accepted as ${fact.ids.join(' and ')}`
    case 'declined':
      return `${fact.tab} has #${fact.ticket} declined: ${fact.code}`
    case 'did':
      return `${fact.tab} does ${fact.action} ${fact.operation ?? ''}: ${fact.result}`
    case 'recorded':
      return `${fact.tab} has recorded ${fact.text}`
    case 'checked':
      return `${fact.tab} ${fact.repair ? 'repairs' : 'checks'} its store: ${[fact.result, ...fact.problems].join('; ')}`
    case 'decision':
      return `${fact.tab} decides ${fact.conflict} of ${fact.operation} as ${JSON.stringify(fact.decision)}: ${fact.result}`
    case 'consulted':
      return `${fact.tab} asks a function about ${fact.operation} and ${JSON.stringify(fact.remote) ?? 'nothing'}: ${fact.answer}`
    case 'log-out':
      return `${fact.tab} logs ${fact.user} out (${fact.pending}): ${fact.result}, gives up ${fact.givenUp}`
    case 'chosen':
      return `${fact.tab} ${fact.isFollowed ? 'follows' : 'lets go of'} part ${fact.part} of the notes: ${fact.result}`
    case 'optimistic':
      return `${fact.tab} has what it showed for ${fact.token} ${fact.change}`
    case 'settled':
      return `${fact.tab} learns that ${fact.operation} is ${fact.settlement.status}`
    case 'event':
      return `${fact.tab} says ${describeEvent(fact.event)}`
    case 'shown':
      return `${fact.tab} shows ${fact.entity}/${fact.id} ${fact.status} ${JSON.stringify(fact.value) ?? 'not at all'}`
    case 'line':
      return `${fact.tab} has line ${fact.line} ${fact.change}`
    case 'pushed':
      return `${fact.tab} hears on line ${fact.line} ${fact.text}`
    case 'sent':
      return `${fact.request.tab} sends request ${fact.request.number}: ${fact.request.method} ${fact.request.path} ${fact.request.headers['Idempotency-Key'] ?? ''} ${fact.request.headers['If-Match'] ?? ''} ${fact.request.body ?? ''}`
    case 'unsent':
      return `${fact.tab} can't send: there is no network`
    case 'served':
      return `the server answers request ${fact.request.number} with ${fact.status}${fact.replayed ? ', again' : ''}${fact.effects.map((effect) => `, changes ${effect.entity}/${effect.id} to version ${effect.version}`).join('')}`
    case 'answered':
      return `${fact.request.tab} has request ${fact.request.number} answered: ${fact.answer}`
    case 'fault':
      return `FAULT ${fact.kind} at ${fact.where}${fact.decayed === undefined ? '' : describeDecay(fact.decayed)}`
  }
}

function describeDecay({ collection, key, field, wrong }: DecayedRow): string {
  return `: ${field} of ${collection} ${collection === OPERATIONS ? '#' : ''}${key} is ${wrong ?? 'missing'}`
}

function describeChange({ seq, before, row }: RowChange): string {
  if (row === undefined) return `operation ${before?.id ?? seq} removed`
  return `operation ${row.id} ${before === undefined ? '' : `${before.status} -> `}${row.status} (rev ${row.rev}, ${row.attempts} attempts${row.dueAt === undefined ? '' : `, due ${row.dueAt}`})`
}

function describeEvent(event: Extract<FactBody, { type: 'event' }>['event']): string {
  const about = 'operation' in event ? ` ${event.operation.id} (${event.operation.status})` : ''
  const why = 'reason' in event ? ` ${event.reason}` : 'epoch' in event ? ` epoch ${event.epoch}` : ''
  return `${event.type}${about}${why}${'error' in event ? ` ${codeOf(event.error)}` : ''}`
}

/** The code of an error, or its class: texts may hold what differs from run to run. */
export function codeOf(error: unknown): string {
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return typeof error
}

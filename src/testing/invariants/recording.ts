import { isRecord } from '../../core/schema.ts'
import { advance, TRACE_FORMAT, type TracedActors, type TraceLine } from '../../core/trace.ts'
import { traceLineOf } from '../../core/trace-line.ts'
import type { Fact } from '../world/facts.ts'
import type { Checker } from './invariant.ts'

/**
 * F3: what an engine has recorded can be read, keeps within its bytes, holds no token, and leads to the states in which its machines are. A trace begins with
 * who was there when its first line was written, which the bytes are not about.
 */
export const recording: Checker = (_, report) => {
  const secrets = new Set<string>()

  function recorded({ tab, text, maxBytes, states }: Extract<Fact, { type: 'recorded' }>): void {
    const fail = (sentence: string): void => report('F3', `The trace of ${tab} ${sentence}`)
    const [header, ...rest] = text.trimEnd().split('\n').map(parsed)
    const lines = rest.flatMap((line) => traceLineOf(line) ?? [])
    if (!isRecord(header) || header['type'] !== 'header' || header['format'] !== TRACE_FORMAT) return fail('has no header.')
    if (lines.length < rest.length) return fail(`has ${rest.length - lines.length} lines that are none.`)
    const bytes = bytesOf(lines.slice(thereAtFirst(lines, Number(header['at']))))
    if (bytes > maxBytes) fail(`holds ${bytes} bytes, and may hold ${maxBytes}.`)
    const secret = [...secrets].find((one) => text.includes(one))
    if (secret !== undefined) fail(`holds the token ${secret}.`)
    const replayed = statesAfter(lines)
    if (replayed.join() !== states.join()) fail(`ends with ${replayed.join(', ')}, but they are ${states.join(', ')}.`)
  }

  return {
    see(fact) {
      if (fact.type === 'recorded') recorded(fact)
      if (fact.type !== 'sent') return
      const { Authorization: token } = fact.request.headers
      if (token !== undefined) secrets.add(token.replace(/^Bearer /, ''))
    },
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** Of each actor that is there when it begins two lines, then the alerts that are raised. */
function thereAtFirst(lines: readonly TraceLine[], at: number): number {
  let first = 0
  while (isPair(lines[first], lines[first + 1], at)) first += 2
  while (isRaised(lines[first])) first += 1
  return first
}

function isPair(made: TraceLine | undefined, where: TraceLine | undefined, at: number): boolean {
  return made?.type === 'actor' && where?.type === 'state' && made.actor === where.actor && made.at === at && where.at === at
}

function isRaised(line: TraceLine | undefined): boolean {
  return line?.type === 'notice' && line.event === 'alert:raised'
}

function bytesOf(lines: readonly TraceLine[]): number {
  return lines.reduce((sum, line) => sum + new TextEncoder().encode(JSON.stringify(line)).length + 1, 0)
}

function statesAfter(lines: readonly TraceLine[]): readonly string[] {
  const actors: TracedActors = new Map()
  for (const line of lines) advance(actors, line)
  return [...actors.values()]
    .flatMap(({ machine, value }) => (machine === undefined ? [] : `${machine} ${JSON.stringify(value)}`))
    .toSorted()
}

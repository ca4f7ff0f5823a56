import type { SimulationResult } from './simulate.ts'

/** Everything that opens in the first moments opens undisturbed. */
const OPENING_MS = 100

/** What matters of a failed run, in plain sentences: the faults, the lives of tabs, and everything about the operations and entities that the violation names. */
export function storyOf({ lines, violations }: SimulationResult): readonly string[] {
  const [violation] = violations
  if (violation === undefined) return ['Nothing went wrong.']
  const { sentence, invariant, at } = violation
  const names = namesFor(sentence, lines)
  const devices = new Set([...sentence.matchAll(/\bd\d+(?=\.t\d+\b|\b(?!-))/g)].map(([name]) => name))
  const told = lines.filter((line) => concerns(line, names, devices))
  return [...opening(lines), ...told, `${at} VIOLATION of ${invariant}: ${sentence}`].map(indented)
}

/** The operations that a sentence is about, what was asked for when they were accepted, and the requests that carried them. */
function namesFor(sentence: string, lines: readonly string[]): readonly string[] {
  const named = [...sentence.matchAll(/\bo\d+|#\d+|\brequest \d+\b|\b(?:note|task)\/[\w-]+/g)].map(([name]) => name)
  const operations = named.filter((name) => name.startsWith('o'))
  const others = lines.flatMap((line) => {
    const ticket = /has (#\d+) accepted as (.*)$/.exec(line)
    if (ticket !== null && operations.some((name) => ticket[2]?.split(' and ').includes(name))) return [ticket[1] ?? '']
    const sent = /sends (request \d+):/.exec(line)?.[1]
    return sent !== undefined && operations.some((name) => line.includes(`"${name}`)) ? [sent] : []
  })
  return [...new Set([...named, ...others])]
}

function concerns(line: string, names: readonly string[], devices: ReadonlySet<string>): boolean {
  const body = bodyOf(line)
  if (body.startsWith('FAULT ')) return true
  if (names.some((name) => new RegExp(`${name}(?!\\d)`).test(body))) return !/^d\d+\.t\d+ reads /.test(body)
  const isLife =
    /^d\d+\.t\d+ (?:starting|started|stopping|stopped|killed|frozen|resumed|follows part|lets go of part) |says (?:engine|lock|breaker|network|storage):/.test(
      body,
    )
  return isLife && !isOpening(line) && (devices.size === 0 || devices.has(body.slice(0, 2)))
}

function opening(lines: readonly string[]): readonly string[] {
  const tabs = lines.filter(isOpening).flatMap((line) => /^(d\d+\.t\d+) started /.exec(bodyOf(line))?.[1] ?? [])
  return tabs.length === 0 ? [] : [`0 ${tabs.toSorted().join(', ')} start`]
}

function isOpening(line: string): boolean {
  return (
    Number(timeOf(line)) < OPENING_MS &&
    /^d\d+\.t\d+ (?:start(?:ing|ed) |says (?:engine:started|network:online|lock:acquired))/.test(bodyOf(line))
  )
}

function timeOf(line: string): string {
  return line.slice(0, line.indexOf(' '))
}

function bodyOf(line: string): string {
  return line.slice(line.indexOf(' ') + 1)
}

function indented(line: string): string {
  return `${timeOf(line).padStart(8)} ms  ${bodyOf(line)}`
}

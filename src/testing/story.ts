import type { SimulationResult } from './simulate.ts'

/** What matters of a failed run, in plain sentences: the faults, the lives of tabs, and everything about the operations that the violation names. */
export function storyOf({ lines, violations }: SimulationResult): readonly string[] {
  const [violation] = violations
  if (violation === undefined) return ['Nothing went wrong.']
  const { sentence, invariant, at } = violation
  const named = [...sentence.matchAll(/\bo\d+\b|#\d+|\bd\d+(?:\.t\d+)?\b|\brequest \d+\b/g)].map(([name]) => name)
  const operations = named.filter((name) => !name.startsWith('d'))
  const devices = new Set(named.filter((name) => name.startsWith('d')).map((name) => name.slice(0, 2)))
  const requests = lines.flatMap((line) => {
    const sent = /sends (request \d+):/.exec(line)?.[1]
    return sent !== undefined && operations.some((name) => line.includes(`"${name}`)) ? [sent] : []
  })
  const told = lines.filter((line) => concerns(line, [...operations, ...requests], devices))
  return [...told.map(indented), `${at} VIOLATION of ${invariant}: ${sentence}`]
}

function concerns(line: string, names: readonly string[], devices: ReadonlySet<string>): boolean {
  const body = line.slice(line.indexOf(' ') + 1)
  if (body.startsWith('FAULT ')) return true
  if (names.some((name) => new RegExp(`${name}\\b`).test(body))) return true
  const isLife =
    /^d\d+\.t\d+ (?:starting|started|stopping|stopped|killed|frozen|resumed) |says (?:engine|lock|breaker|network|storage):/.test(
      body,
    )
  return isLife && (devices.size === 0 || devices.has(body.slice(0, 2)))
}

function indented(line: string): string {
  const at = line.slice(0, line.indexOf(' '))
  return `${at.padStart(8)} ms  ${line.slice(at.length + 1)}`
}

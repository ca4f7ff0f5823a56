import type { Failed, Hunt } from './hunt.ts'

export { BUGS } from './bugs.ts'
export { HARMLESS, MUTE, reports } from './controls.ts'
export { createHunter } from './hunt.ts'
export type { Failed, Hunt, Hunter } from './hunt.ts'

/** So many seeds from 1 upwards, with this one first. */
export function seedsFrom(first: number | undefined, count: number): readonly number[] {
  const upwards = Array.from({ length: count }, (_, at) => at + 1)
  return first === undefined ? upwards : [first, ...upwards.filter((seed) => seed !== first)].slice(0, count)
}

/** A line of the table that `npm run planted` prints. */
export function inWords(result: Hunt | Failed): string {
  const name = result.bug.name.padEnd(74)
  if ('error' in result) return `${name} FAILED    ${result.error instanceof Error ? result.error.message : String(result.error)}`
  const { caught, tried, others, seconds } = result
  const besides = Object.entries(others).map(([invariant, count]) => `${invariant} ${count} ×`)
  const more = besides.length === 0 ? '' : `   (besides ${besides.join(', ')})`
  const time = `${seconds.toFixed(1).padStart(6)} s`
  if (caught === undefined) return `${name} SURVIVED  ${tried} seeds ${time}${more}`
  const seeds = `seed ${String(caught.seed).padEnd(4)} after ${String(tried).padEnd(4)}`
  return `${name} ${caught.invariant.padEnd(4)} ${caught.checker.padEnd(13)} ${seeds} ${time}${more}`
}

/** What checkers can tell of (`checker invariant`), and none of these hunts has shown. */
export function unproved(reports: readonly string[], results: readonly (Hunt | Failed)[]): readonly string[] {
  const proved = new Set(
    results.flatMap((result) =>
      'error' in result || result.caught === undefined ? [] : [`${result.caught.checker} ${result.caught.invariant}`],
    ),
  )
  return reports.filter((report) => !proved.has(report))
}

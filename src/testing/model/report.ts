import type { Coverage, Exercised } from './coverage.ts'
import type { ObservedMachine } from './observe.ts'
import { takenOn, type Path } from './paths.ts'

const HEADER = ['machine', 'states', 'transitions', 'guards'] as const

/** A table, a line a machine: how much is exercised of how much there is. */
export function coverageTable(coverages: readonly Coverage[]): string {
  const rows = [
    HEADER,
    ...coverages.map(({ machine, ...parts }) => [machine, share(parts.states), share(parts.transitions), share(parts.guards)]),
  ]
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A test's title: the transitions that a path takes, as `door.shut: PRESS → door.open, then door.open: after soon → door.shut`; `the start` if there are none. */
export function pathTitle({ names }: Pick<ObservedMachine, 'names'>, path: Path): string {
  const taken = takenOn(path).map((transition) => names.get(transition) ?? transition.eventType)
  return taken.length === 0 ? 'the start' : taken.join(', then ')
}

function share({ total, missing }: Exercised): string {
  return `${total - missing.length}/${total}`
}

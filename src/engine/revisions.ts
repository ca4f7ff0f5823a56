import type { EntityRow } from '../core/schema.ts'

/** The revision that a row itself says it has; `otherwise` where it says none. */
export function revOf(row: EntityRow | undefined, otherwise: number): number {
  const { rev = otherwise } = row ?? {}
  return Number.isFinite(rev) ? rev : otherwise
}

/** The highest of rows, and of one that was seen before. */
export function newestOf(rows: readonly EntityRow[], before: number): number {
  return rows.reduce((newest, row) => Math.max(newest, revOf(row, before)), before)
}

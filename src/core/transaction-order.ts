import { ValidationError } from './errors.ts'
import type { NewOperationRow } from './operation.ts'
import { MAX_MEMBERS } from './operation.ts'

/**
 * The operations of a transaction in the order in which they are sent: each after those of them that it depends on, otherwise as they were given.
 * @throws ValidationError that names the cycle, if they wait for each other; or what else can't be in one transaction.
 */
export function inOrder(rows: readonly NewOperationRow[]): readonly NewOperationRow[] {
  check(rows)
  const byId = new Map(rows.map((row) => [row.id, row]))
  const placed = new Set<NewOperationRow>()
  const place = (row: NewOperationRow, waiting: readonly NewOperationRow[]): void => {
    if (placed.has(row)) return
    if (waiting.includes(row)) throw cycle([...waiting.slice(waiting.indexOf(row)), row])
    for (const id of row.dependsOn ?? []) {
      const other = byId.get(id)
      if (other !== undefined) place(other, [...waiting, row])
    }
    placed.add(row)
  }
  for (const row of rows) place(row, [])
  return [...placed]
}

function check(rows: readonly NewOperationRow[]): void {
  if (rows.length > MAX_MEMBERS)
    throw new ValidationError('transaction', `must hold at most ${MAX_MEMBERS} operations: all of them are sent as one.`)
  checkLanes(rows)
}

/** Each on an entity of its own: a request that is applied as a whole has one condition for each entity. @throws ValidationError */
export function checkLanes(rows: readonly NewOperationRow[]): void {
  const lanes = new Set<string>()
  for (const { lane = '', entity, entityId } of rows) {
    if (lanes.has(lane))
      throw new ValidationError('transaction', `holds two operations on ${entity}/${entityId}. Make one of them.`)
    lanes.add(lane)
  }
}

function cycle(rows: readonly NewOperationRow[]): ValidationError {
  const names = rows.map(({ type, entity, entityId }) => `${type} of ${entity}/${entityId}`).join(' → ')
  return new ValidationError('dependsOn', `these wait for each other for ever: ${names}. Leave one of these dependencies out.`, {
    code: 'dependency-cycle',
  })
}

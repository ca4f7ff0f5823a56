import type { Json, JsonObject } from 'synchart'

export interface Task {
  readonly title: string
  readonly column: Column
}

export const COLUMNS = ['todo', 'doing', 'done'] as const
export type Column = (typeof COLUMNS)[number]
export const NAMES: Readonly<Record<Column, string>> = { todo: 'To do', doing: 'Doing', done: 'Done' }

/** What a payload, or the server's value, says of a task: nothing that it doesn't say. */
export function fieldsOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

/** A field as people read it: of a column its name. */
export function textOf(path: string, value: Json | undefined): string {
  const column = path === 'column' ? COLUMNS.find((one) => one === value) : undefined
  if (column !== undefined) return NAMES[column]
  return value === undefined ? '—' : typeof value === 'string' ? value : JSON.stringify(value)
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

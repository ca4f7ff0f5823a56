import { ValidationError, type ValidationIssue } from './errors.ts'
import { fieldPath } from './field-path.ts'

/** Of more issues than these only the number is told. */
const MOST_ISSUES = 20
const MOST_IN_MESSAGE = 3
const LONGEST_TEXT = 200
/** No JSON that is stored is nested deeper. */
const DEEPEST = 64

/** What the path of an issue begins with, by the field that it is about: undefined for the value as a whole. */
export type RootOf = (field: string | undefined) => string

/** What a schema's answer has against a value. @throws TypeError for an answer that Standard Schema does not know. */
export function refusalIn(answer: unknown, rootOf: RootOf): ValidationError | undefined {
  if (typeof answer !== 'object' || answer === null) throw unknownAnswer()
  const issues = 'issues' in answer ? answer.issues : undefined
  if (issues === undefined && 'value' in answer) return undefined
  if (!Array.isArray(issues)) throw unknownAnswer()
  const told = Array.from({ length: Math.min(issues.length, MOST_ISSUES) }, (_, at) => issueOf(issues[at], rootOf))
  const { path, message } = told[0] ?? { path: rootOf(undefined), message: 'is refused by the schema, without a reason' }
  const others = told.slice(1, MOST_IN_MESSAGE).map((issue) => `; ${issue.path}: ${issue.message}`)
  const left = issues.length - 1 - others.length
  const text = `${message}${others.join('')}${left > 0 ? `; and ${left} more` : ''}`
  return new ValidationError(path, text, { code: INVALID, ...(told.length === 0 ? {} : { issues: told }) })
}

/** The code of what a schema refuses. */
export const INVALID = 'invalid'

function issueOf(issue: unknown, rootOf: RootOf): ValidationIssue {
  if (typeof issue !== 'object' || issue === null) throw unknownAnswer()
  const message = 'message' in issue && typeof issue.message === 'string' ? issue.message : 'is refused by the schema'
  const keys = 'path' in issue && Array.isArray(issue.path) ? issue.path.slice(0, DEEPEST).map(keyOf) : []
  const root = rootOf(keys[0] === undefined ? undefined : String(keys[0]))
  return { path: shortened(keys.reduce<string>(fieldPath, root)), message: shortened(message) }
}

function keyOf(segment: unknown): string | number {
  const key = typeof segment === 'object' && segment !== null && 'key' in segment ? segment.key : segment
  return typeof key === 'number' ? key : String(key)
}

function shortened(text: string): string {
  return text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT)}…`
}

function unknownAnswer(): TypeError {
  return new TypeError('A schema must answer { value }, or { issues } with a list of { message, path }.')
}

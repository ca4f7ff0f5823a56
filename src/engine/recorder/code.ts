import { isRecord } from '../../core/schema.ts'

/** Longer texts are cut off: none that the engine makes itself is. */
const MAX_TEXT = 64

export function cut(text: string): string {
  return text.slice(0, MAX_TEXT)
}

/** The code of an error, or its class; never its text. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return cut('code' in error && typeof error.code === 'string' ? error.code : error.name)
}

/** Of an answer, whoever gave it: anybody may write a transport. */
export function typeOf(answer: unknown): string {
  return isRecord(answer) && typeof answer['type'] === 'string' ? cut(answer['type']) : typeof answer
}

import { diff3Merge } from 'node-diff3'
import type { FieldConflict } from '../core/operation.ts'
import type { Json } from '../core/json.ts'

/** Where a text has more parts than this, comparing them would hold up everything else. */
const MAX_LINES = 20_000
const MAX_WORDS = 5_000

const LINE = /[^\n]*\n|[^\n]+$/g
const WORD = /\S+\s*|\s+/g

/**
 * A rule for a field that holds text: `fields: { body: textMerge }`. Three-way merge by line, and where both sides changed the same lines,
 * by word. Where both changed the same words, or a side is no text, it leaves the field to the entity's strategy.
 */
export function textMerge({ base, local, remote }: FieldConflict): Json | undefined {
  if (!isText(base) || !isText(local) || !isText(remote)) return undefined
  return merged({ base, local, remote }, LINE, MAX_LINES, (lines) => merged(lines, WORD, MAX_WORDS, () => undefined))
}

interface Texts {
  readonly base: string
  readonly local: string
  readonly remote: string
}

function merged(
  { base, local, remote }: Texts,
  part: RegExp,
  limit: number,
  settle: (texts: Texts) => string | undefined,
): string | undefined {
  const [before, ours, theirs] = [parts(base, part), parts(local, part), parts(remote, part)]
  if (Math.max(before.length, ours.length, theirs.length) > limit) return undefined
  let text = ''
  for (const { ok, conflict } of diff3Merge(ours, before, theirs)) {
    const more = conflict === undefined ? ok?.join('') : settle(textsOf(conflict))
    if (more === undefined) return undefined
    text += more
  }
  return text
}

function textsOf({ a, o, b }: { readonly a: string[]; readonly o: string[]; readonly b: string[] }): Texts {
  return { base: o.join(''), local: a.join(''), remote: b.join('') }
}

function parts(text: string, part: RegExp): string[] {
  return text.match(part) ?? []
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string'
}

import { sameJson } from './same-json.ts'
import type { Json } from './json.ts'
import { merge3 } from './merge.ts'
import { getOwn, isObject } from './own.ts'

type Members = ReadonlyMap<string, Json>

/**
 * Three-way merge of arrays as sets: what either side added is there, what either removed is not, unless the other changed it. Members are
 * scalars, or objects that `key` tells apart; of one that both changed, the fields are merged, the local value where both changed. In the
 * order of `remote`, then what local added. Undefined where a side is no such array.
 */
export function mergeSets(
  base: Json | undefined,
  local: Json | undefined,
  remote: Json | undefined,
  key?: string,
): readonly Json[] | undefined {
  const [before, ours, theirs] = [membersOf(base ?? [], key), membersOf(local ?? [], key), membersOf(remote ?? [], key)]
  if (before === undefined || ours === undefined || theirs === undefined) return undefined
  const names = new Set([...theirs.keys(), ...ours.keys()])
  return [...names].flatMap((name) => merged(before.get(name), ours.get(name), theirs.get(name)))
}

function merged(before: Json | undefined, ours: Json | undefined, theirs: Json | undefined): readonly Json[] {
  if (ours !== undefined && theirs !== undefined) return [merge3({ base: before, local: ours, remote: theirs }).value]
  const kept = ours === undefined ? theirs : ours
  return kept === undefined || sameJson(kept, before) ? [] : [kept]
}

/** By what tells them apart. A member that is there twice counts once, as in any set. */
function membersOf(json: Json, key: string | undefined): Members | undefined {
  if (!Array.isArray(json)) return undefined
  const members = new Map<string, Json>()
  for (const member of json) {
    const name = key === undefined || !isObject(member) ? member : getOwn(member, key)
    if (name === undefined || (typeof name === 'object' && name !== null)) return undefined
    if (key !== undefined && !isObject(member)) return undefined
    members.set(JSON.stringify(name), member)
  }
  return members
}

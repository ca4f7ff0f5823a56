import type { Json } from './json.ts'
import { getOwn, isObject, setOwn } from './own.ts'
import { sameJson } from './same-json.ts'

/** Applies a JSON merge patch (RFC 7396 §2) and returns the result; the target is left as it is. */
export function applyMergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const result: Record<string, Json> = isObject(target) ? { ...target } : {}
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete result[key]
    else setOwn(result, key, applyMergePatch(getOwn(result, key), change))
  }
  return result
}

/**
 * One patch that does what `first` and then `second` do, to any target. `undefined` if there is none: where `first` sets or removes a
 * value and `second` then opens an object in its place, the result replaces the whole value by an object, and a merge patch can
 * replace by anything but an object.
 */
export function composeMergePatches(first: Json, second: Json): Json | undefined {
  if (!isObject(second)) return second
  if (!isObject(first)) return undefined
  const composed: Record<string, Json> = { ...first }
  for (const [key, later] of Object.entries(second)) {
    const earlier = getOwn(first, key)
    const both = earlier === undefined ? later : composeMergePatches(earlier, later)
    if (both === undefined) return undefined
    setOwn(composed, key, both)
  }
  return composed
}

/**
 * The merge patch that turns `from` into `to`. A merge patch can't set a field of an object to null, for null means remove: where
 * `to` has such a field and `from` has not, the result lacks it.
 */
export function diffMergePatch(from: Json | undefined, to: Json): Json {
  if (!isObject(to)) return to
  const source = isObject(from) ? from : {}
  const patch: Record<string, Json> = {}
  for (const key of Object.keys(source)) {
    if (!Object.hasOwn(to, key)) setOwn(patch, key, null)
  }
  for (const [key, after] of Object.entries(to)) {
    const before = getOwn(source, key)
    if (!sameJson(before, after)) setOwn(patch, key, diffMergePatch(before, after))
  }
  return patch
}

import type { Json, JsonObject } from './json.ts'

/** An object of JSON: not null, not an array. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object's own field. Unlike `object[key]` it never answers with something of a prototype. */
export function getOwn(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Sets the object's own field. Unlike `object[key] = value` it never replaces the prototype, nor asks it. */
export function setOwn(object: Record<string, Json>, key: string, value: Json): void {
  if (Object.hasOwn(object, key) || !(key in object)) {
    object[key] = value
    return
  }
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

/** The fields that are the application's: not the identity and version that the server adds. */
export function withoutOwn(value: Json): Json {
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== 'id' && key !== 'version')) : value
}

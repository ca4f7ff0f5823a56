import type { Json } from './json.ts'

/** UTF-8 bytes of the value's JSON, without making it. */
export function jsonBytes(value: Json): number {
  if (typeof value === 'string') return stringBytes(value)
  if (typeof value === 'number') return numberBytes(value)
  if (typeof value === 'boolean') return value ? 4 : 5
  if (value === null) return 4
  let bytes = 0
  let members = 0
  for (const [key, member] of Object.entries(value)) {
    bytes += jsonBytes(member) + (Array.isArray(value) ? 0 : stringBytes(key) + 1)
    members++
  }
  return bytes + containerBytes(members)
}

/** Brackets and commas. */
export function containerBytes(members: number): number {
  return members === 0 ? 2 : members + 1
}

export function numberBytes(value: number): number {
  return String(value).length
}

/** A string with its quotes and escapes. A surrogate without its partner is escaped by JSON, so it has six bytes. */
export function stringBytes(text: string): number {
  let bytes = 2
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0x80) bytes += asciiBytes(unit)
    else if (unit < 0x800) bytes += 2
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 3
    else if (unit < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1))) {
      bytes += 4
      at++
    } else bytes += 6
  }
  return bytes
}

/** `"` and `\` are escaped by two characters, so are \b \t \n \f \r; other control characters by six. */
function asciiBytes(unit: number): number {
  if (unit > 0x5c) return 1
  if (unit >= 0x20) return unit === 0x22 || unit === 0x5c ? 2 : 1
  return unit >= 8 && unit <= 13 && unit !== 11 ? 2 : 6
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}

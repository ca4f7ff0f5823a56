import type { Bytes } from './cipher.ts'

/** Where Node's buffers are, they are a fraction of the cost: small ones share memory, and none is left to be collected. */
const hasBuffer = typeof Buffer !== 'undefined'

const CHUNK = 0x8000
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function toBytes(text: string): Bytes {
  return hasBuffer ? Buffer.from(text) : encoder.encode(text)
}

export function toText(bytes: Bytes): string {
  return hasBuffer ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString() : decoder.decode(bytes)
}

export function toBase64(bytes: Bytes): string {
  if (hasBuffer) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
  let text = ''
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return btoa(text)
}

/** Undefined for a text that `toBase64` would not give. */
export function fromBase64(text: string): Bytes | undefined {
  const bytes = decode(text)
  return bytes !== undefined && toBase64(bytes) === text ? bytes : undefined
}

function decode(text: string): Bytes | undefined {
  if (hasBuffer) return Buffer.from(text, 'base64')
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

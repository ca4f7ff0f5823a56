import type { Bytes } from './cipher.ts'

const CHUNK = 0x8000

export function toBase64(bytes: Bytes): string {
  if (typeof Buffer !== 'undefined') return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
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
  if (typeof Buffer !== 'undefined') return new Uint8Array(Buffer.from(text, 'base64'))
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-([0-9a-f]{12})\b/g

/** The end of a UUID: of those that are made in order only the end tells two apart. */
export function shortId(text: string): string {
  return text.replace(UUID, (_, end: string) => `…${end.slice(-6)}`)
}

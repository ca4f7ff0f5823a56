const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-([0-9a-f]{12})\b/g

/** The end of a UUID: of those that are made in order only the end tells two apart. */
export function shortId(text: string): string {
  return text.replace(UUID, (_, end: string) => `…${end.slice(-6)}`)
}

const AFTER = /\bxstate\.after\.([^.\s]+)\.\S+/g
const ENDED = /\bxstate\.(done|error)\.actor\.(?:[^.\s]+\.)*([^.\s]+)/g
const INVOKED = /\b\d+\.([a-zA-Z]\w*)\.(?:[a-zA-Z]\w*\.)*([a-zA-Z]\w*)/g
const OWN = /\bxstate\.(?=\w)/g

/** A text with XState's own names as the drawings have them: `after heartbeat`, `beating done`; who was invoked as `lock · beating`; and ids as short as they can be told apart. */
export function plain(text: string): string {
  return shortId(text)
    .replace(AFTER, 'after $1')
    .replace(ENDED, (_, how: string, name: string) => `${name} ${how === 'done' ? 'done' : 'failed'}`)
    .replace(INVOKED, '$1 · $2')
    .replace(OWN, '')
}

import { parsed, type ServerResponse } from './messages.ts'
import type { Place } from './places.ts'
import { problem } from './answers.ts'

const MOST_RANGES = 100
const MOST_LISTED = 1_000
const PRIME = 16_777_619n
const WORD = 2n ** 32n
const OFFSETS = [2_166_136_261n, 2_538_058_380n] as const

/** Undefined if the path asks for something else: without ranges it is that of a resource. */
export function digestsAt(
  path: string,
  placesOf: (entity: string, part: string | undefined) => readonly Place[],
): ServerResponse | undefined {
  const { pathname, searchParams } = new URL(path, 'http://server.test')
  const [, entity = '', id] = pathname.split('/')
  if (id !== 'digest' || !searchParams.has('ranges')) return undefined
  return digestsOf(placesOf(entity, searchParams.get('scope') ?? undefined), searchParams)
}

/** Fingerprints of ranges, as docs/wire-protocol.md says them once more; of these places. */
function digestsOf(places: readonly Place[], query: URLSearchParams): ServerResponse {
  const ranges = parsed(query.get('ranges'))
  if (!Array.isArray(ranges) || ranges.length === 0 || ranges.length > MOST_RANGES || !ranges.every(isPair))
    return problem('invalid-parameter')
  const all = places
    .filter(({ isMember }) => isMember)
    .map(({ path, resource }) => [decodeURIComponent(path.slice(path.lastIndexOf('/') + 1)), String(resource.version)] as const)
    .toSorted(([a], [b]) => inOrder(a, b))
  const digests = ranges.map(([from, to]) => {
    const found = all.filter(([id]) => (from === null || inOrder(id, from) >= 0) && (to === null || inOrder(id, to) < 0))
    const isListed = query.get('list') === '1' && found.length <= MOST_LISTED
    return { count: found.length, hash: hashOf(found), ...(isListed ? { entries: found } : {}) }
  })
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ digests }) }
}

function isPair(pair: unknown): pair is readonly [string | null, string | null] {
  return Array.isArray(pair) && pair.length === 2 && pair.every((id) => id === null || typeof id === 'string')
}

function bytesOf(text: string): readonly number[] {
  return [...new TextEncoder().encode(text)]
}

function inOrder(a: string, b: string): number {
  const [one, other] = [bytesOf(a), bytesOf(b)]
  const at = one.findIndex((byte, place) => byte !== other[place])
  if (at === -1) return one.length - other.length
  return (one[at] ?? 0) - (other[at] ?? -1)
}

function hashOf(resources: readonly (readonly [id: string, version: string])[]): string {
  return OFFSETS.map((offset) => {
    const sum = resources.reduce((total, [id, version]) => total + fnv(bytesOf(`${id}\n${version}`), offset), 0n)
    return (sum % WORD).toString(16).padStart(8, '0')
  }).join('')
}

function fnv(bytes: readonly number[], offset: bigint): bigint {
  return bytes.reduce((hash, byte) => ((hash ^ BigInt(byte)) * PRIME) % WORD, offset)
}

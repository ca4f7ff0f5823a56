import * as fc from 'fast-check'

/** So many of these, the same for the same seed. */
export function draw(arbitrary, numRuns, seed) {
  return fc.sample(arbitrary, { numRuns, seed })
}

const deepText = fc.integer({ min: 1, max: 3_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth))
const polluting = fc.constantFrom(
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  '{"a":{"__proto__":{"polluted":1}}}',
  '[{"__proto__":[]}]',
  '{"id":"a","__proto__":null}',
)
const keys = fc.oneof(
  fc.constantFrom('id', 'title', 'version', '__proto__', 'constructor', 'prototype', 'toString', 'toJSON', 'then', 'length', ''),
  fc.string(),
)

/** JSON, with keys that mean something. */
const json = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, 0, -0, 1e308, -1, 2 ** 53, '', 'a', '\u0000', '💥'),
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.array(fc.tuple(keys, tie('any')), { maxLength: 5 }).map(ownObject),
  ),
})).any

/** As `JSON.parse` would make it: `__proto__` is a field like others. */
function ownObject(entries) {
  const object = {}
  for (const [key, value] of entries)
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  return object
}

const text = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  fc.string(),
  deepText,
  polluting,
  fc.constant('{"cut'),
  fc.constant(''),
)

const strange = fc
  .constantFrom(
    () => ({
      get title() {
        throw new Error('A getter failed.')
      },
    }),
    () =>
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('A proxy failed.')
          },
        },
      ),
    () => {
      const ring = { title: 'ring' }
      ring.ring = ring
      return ring
    },
    () => ({ toJSON: () => ({ other: true }) }),
    () => named('then', (resolve) => resolve({ title: 'later' })),
    () => Object.create({ inherited: true }),
    () => ({ title: 'x'.repeat(300_000) }),
    () => ({ title: '\ud800' }),
    () => Array.from({ length: 2, 1: 1 }, (one) => one).concat(Array(1)),
    () => Object.assign([1], { named: true }),
    () => ({ [Symbol('hidden')]: 1 }),
    () =>
      new (class Title {
        title = 'of a class'
      })(),
    () => ({ title: undefined }),
    () => Object.freeze({ title: 'frozen' }),
    () => JSON.parse('['.repeat(200) + ']'.repeat(200)),
  )
  .map((make) => make())

/** What an application might pass by mistake, or somebody by intent. */
export const anything = fc.oneof(
  { weight: 3, arbitrary: json },
  { weight: 1, arbitrary: polluting.map((one) => JSON.parse(one)) },
  { weight: 1, arbitrary: strange },
  {
    weight: 2,
    arbitrary: fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
  },
)

const header = fc.oneof(
  fc.constantFrom(
    '"1"',
    'W/"1"',
    '1',
    '',
    '0',
    '-5',
    '1, 2',
    '99999999999',
    'Wed, 21 Oct 2015 07:28:00 GMT',
    'application/json',
    'text/html',
    '"\u0000"',
  ),
  fc.string(),
  fc.constantFrom(null, 5, true, ['a', 'b'], {}),
)

/** What errors say of themselves (RFC 9457). */
const problem = fc.record(
  {
    type: fc.oneof(
      fc.constantFrom(
        'https://synchart.test/problems/already-exists',
        'stale',
        '/idempotency-in-progress',
        'idempotency-key-reused',
        'cursor-expired',
        '#__proto__',
      ),
      json,
    ),
    title: json,
    status: json,
    detail: fc.oneof(fc.string(), json),
    instance: json,
    errors: json,
  },
  { requiredKeys: [] },
)

const headers = fc.dictionary(
  fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('etag', 'retry-after', 'date', 'content-type', 'location', 'x') },
    { weight: 1, arbitrary: fc.constantFrom('synchart-pause', 'synchart-min-poll', 'synchart-max-batch') },
  ),
  header,
)

/** What a server, or what stands before it, might answer. */
export const answer = fc.record({
  status: fc.oneof(
    fc.constantFrom(200, 201, 204, 304, 400, 401, 403, 404, 409, 410, 412, 422, 424, 428, 429, 500, 503),
    fc.integer({ min: -1, max: 999 }),
  ),
  headers,
  data: fc.oneof(
    { weight: 3, arbitrary: text },
    { weight: 2, arbitrary: problem.map((one) => JSON.stringify(one)) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null, 5, {}, []) },
  ),
  isLost: fc.nat(9).map((one) => one === 0),
})

/** An answer with this in it, or another one. */
function around(body) {
  const good = body.map((data) => ({ status: 200, headers: { 'content-type': 'application/json' }, data: JSON.stringify(data) }))
  return fc.oneof({ weight: 5, arbitrary: good }, { weight: 1, arbitrary: answer })
}

const result = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      {
        status: fc.oneof(fc.constantFrom(200, 201, 204, 404, 409, 410, 412, 422, 424, 429, 500), json),
        headers: fc.oneof(headers, json),
        body: fc.oneof(problem, json),
      },
      { requiredKeys: [] },
    ),
  },
  { weight: 1, arbitrary: json },
)

/** What a batch endpoint might say of what it was sent. */
export const results = around(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ results: fc.array(result, { maxLength: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ results: json }) },
    { weight: 1, arbitrary: json },
  ),
)

const digest = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record(
      {
        count: fc.oneof(fc.nat(5), fc.constantFrom(-1, 2 ** 53, 1e300), json),
        hash: fc.oneof(fc.string(), json),
        entries: fc.oneof(fc.array(fc.tuple(keys, fc.oneof(fc.constantFrom('1', '2', ''), fc.string()))), json),
      },
      { requiredKeys: ['count', 'hash'] },
    ),
  },
  { weight: 1, arbitrary: json },
)

/** What a server might say its ranges come to; most ask for as many as there are. */
export const digests = around(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ digests: fc.array(digest, { minLength: 1, maxLength: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ digests: fc.array(digest, { maxLength: 20 }) }) },
    { weight: 1, arbitrary: json },
  ),
)

const change = fc.oneof(
  fc.record(
    {
      id: fc.oneof(fc.constantFrom('a', 'b', 'c', '', '.', '__proto__', 'x/y'), json),
      version: fc.oneof(fc.constantFrom('1', '2', 'v'), json),
      deleted: json,
      value: json,
    },
    { requiredKeys: ['id'] },
  ),
  json,
)

/** Something like a page of changes. */
export const page = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record(
        {
          changes: fc.oneof(fc.array(change, { maxLength: 6 }), json),
          cursor: fc.oneof(fc.string({ minLength: 1 }), json),
          hasMore: fc.oneof(fc.constant(false), json),
          total: json,
        },
        { requiredKeys: ['changes', 'cursor', 'hasMore'] },
      )
      .map((one) => JSON.stringify(one)),
  },
  { weight: 1, arbitrary: text },
)

const message = fc.record(
  {
    type: fc.constantFrom('changed', 'pong', 'hello', 'other'),
    entity: fc.oneof(fc.constantFrom('note', '__proto__'), json),
    cursor: json,
    at: json,
    heartbeatMs: fc.oneof(fc.constantFrom(-1, 0, 5_000, 1e300), json),
  },
  { requiredKeys: ['type'] },
)

/** What comes over a realtime line. */
export const pushed = fc.oneof(message, anything, text)

/** Bytes on a realtime line: whole messages, events, or what is neither. */
export const frame = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(message, json).map((one) => JSON.stringify(one)) },
  { weight: 4, arbitrary: fc.tuple(message, fc.oneof(message, text)).map(([{ type }, data]) => eventOf(type, data)) },
  { weight: 2, arbitrary: text },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\n\n',
      'data',
      'event: changed\ndata: {',
      ':',
      '\uFEFF',
      'id: 1\nretry: 0\n\n',
      'x'.repeat(70_000),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('{"code":1000}', '{"code":4401}', '{"code":1e300}', '[]').map((data) => eventOf('close', data)),
  },
)

function eventOf(type, data) {
  return `event: ${type}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`
}

/** What was done to a stored row: another value at a place of it or deeper in it, a field less, what another row has there, what it says of itself, or another row. */
export const damage = fc.record({
  row: fc.nat(),
  place: fc.nat(),
  other: fc.nat(),
  how: fc.constantFrom('replace', 'replace', 'within', 'within', 'remove', 'taken', 'own', 'whole'),
  by: fc.oneof(json, fc.constantFrom(-1e300, 1e300, 2 ** 53, -1, 0.5, 1_000_000_000, null, [], {}, '', '__proto__')),
})

function named(name, value) {
  return { [name]: value }
}

import { memoryDisk, memoryStorage } from '../../dist/src/adapters/memory.js'
import { fuzzLines } from './lines.mjs'
import { fuzzRows } from './rows.mjs'
import { answer, anything, digests, draw, page, pushed, results } from './values.mjs'
import { textOf } from './watch.mjs'
import { engineOn, phaseOf, wrongs } from './world.mjs'

const TYPES = ['create', 'update', 'replace', 'publish']

/** Each runs so many cases of this seed, tells at which it is, and gives what went wrong. */
export const RUNS = { payloads, answers, batches, pages, digests: digestAnswers, messages, lines: fuzzLines, rows: fuzzRows }

async function payloads(seed, size) {
  return enqueued(draw(anything, size, seed), () => undefined)
}

async function answers(seed, size) {
  const all = draw(answer, size, seed)
  let next = 0
  return enqueued(fair(size), () => (next < all.length ? all[next++] : undefined))
}

/** Of a server with a batch endpoint, which gets the cases a few at a time; every third is of a transaction. */
async function batches(seed, size) {
  const all = draw(results, size, seed)
  let next = 0
  const answerTo = ({ url }) => (url.endsWith('/batch') && next < all.length ? all[next++] : undefined)
  return enqueued(fair(4 * size), answerTo, { batchSize: 8 }, (engine, inputs) =>
    engine.transaction((tx) => void inputs.map((input) => tx.enqueue(input))),
  )
}

function fair(size) {
  return Array.from({ length: size }, (_, n) => ({ n }))
}

/** All of them at once; what is accepted must be in the store, as it was given, whatever is answered. */
async function enqueued(values, answerTo, options = {}, together) {
  const engine = engineOn(memoryStorage(), answerTo, options)
  await engine.start()
  const accepted = []
  const inputs = values.map((payload, at) => ({
    type: TYPES[at % TYPES.length],
    entity: at % 3 === 0 ? 'task' : 'note',
    id: `e${at % 40}`,
    payload,
  }))
  const calls = inputs.map((input, at) => async () => {
    if (together === undefined || at % 3 > 0) accepted.push((await engine.enqueue(input)).id)
    else accepted.push(...(await together(engine, inputs.slice(at, at + 2))).operations.map(({ id }) => id))
  })
  const found = await wrongs({
    ...Object.fromEntries(calls.entries()),
    flush: () => engine.flush(),
    view: () => engine.view('note').list(),
  })
  for (const id of accepted)
    if ((await engine.operations.get(id)) === undefined) found.push(`operation ${id} was accepted and is lost.`)
  const phase = await phaseOf(engine)
  if (phase === 'failed' || phase === 'stopped') found.push(`the engine is ${phase}.`)
  return [...found, ...(await wrongs({ stop: () => engine.stop() }))]
}

async function pages(seed, size, isAt) {
  const all = draw(page, size, seed)
  const rest = [...all]
  const answerTo = ({ method, url }) => {
    if (method !== 'GET' || !url.includes('limit=')) return undefined
    const data = rest.shift() ?? '{"changes":[],"cursor":"end","hasMore":false}'
    return { status: 200, headers: { 'content-type': 'application/json', etag: `"${rest.length}"` }, data }
  }
  const engine = engineOn(memoryStorage(), answerTo)
  await engine.start()
  const kept = await engine.enqueue({ type: 'create', entity: 'task', id: 'kept', payload: { kept: true } })
  const found = []
  while (rest.length > 0 && found.length === 0) {
    isAt(size - rest.length)
    found.push(...(await wrongs({ synchronize: () => engine.synchronize(), view: () => engine.view('note').list() })))
  }
  if ((await engine.operations.get(kept.id)) === undefined) found.push('an operation is lost.')
  return [...found, ...(await wrongs({ stop: () => engine.stop() }))]
}

/** What a server says its ranges come to, while the replica is compared with it. */
async function digestAnswers(seed, size, isAt) {
  const rest = draw(digests, size, seed)
  const answerTo = ({ url }) => (url.includes('/digest?') ? (rest.shift() ?? { status: 404, headers: {}, data: '' }) : undefined)
  const engine = engineOn(memoryStorage(), answerTo)
  await engine.start()
  const kept = await engine.enqueue({ type: 'create', entity: 'note', id: 'kept', payload: { kept: true } })
  const found = await wrongs({ synchronize: () => engine.synchronize() })
  while (rest.length > 0 && found.length === 0) {
    isAt(size - rest.length)
    found.push(...(await wrongs({ check: () => engine.check({ server: true, repair: rest.length % 2 === 0 }) })))
  }
  if ((await engine.operations.get(kept.id)) === undefined) found.push('an operation is lost.')
  const shown = await engine.view('note').list()
  if (!shown.some(({ id }) => id === 'kept')) found.push('what the server has is not shown any more.')
  return [...found, ...(await wrongs({ stop: () => engine.stop() }))]
}

async function messages(seed, size, isAt) {
  const lines = []
  const channel = (listener) => {
    lines.push(listener)
    queueMicrotask(() => listener.opened())
    return { send() {}, close: () => queueMicrotask(() => listener.closed({ code: 1000, reason: '' })) }
  }
  const engine = engineOn(memoryStorage({ disk: memoryDisk() }), undefined, { realtime: { channel } })
  await engine.start()
  engine.enableRealtime()
  const found = await wrongs({ view: () => engine.view('note').list() })
  for (const [at, data] of draw(pushed, size, seed).entries()) {
    isAt(at)
    try {
      lines.at(-1)?.message(data)
    } catch (error) {
      found.push(`a message threw: ${textOf(error)}`)
    }
  }
  const { settled } = await engine.enqueue({ type: 'create', entity: 'task', id: 'after', payload: {} })
  found.push(...(await wrongs({ settled: () => settled })))
  return [...found, ...(await wrongs({ stop: () => engine.stop() }))]
}

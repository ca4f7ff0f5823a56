import { memoryDisk, memoryStorage } from '../../dist/src/adapters/memory.js'
import { answer, anything, draw, page, pushed } from './values.mjs'
import { fuzzRows } from './rows.mjs'
import { textOf } from './watch.mjs'
import { engineOn, wrongs } from './world.mjs'

const TYPES = ['create', 'update', 'replace', 'publish']

/** Each runs so many cases of this seed, and says what went wrong. */
export const KINDS = { payloads, answers, pages, messages, rows: fuzzRows }

async function payloads(seed, size) {
  return enqueued(draw(anything, size, seed), () => undefined)
}

async function answers(seed, size) {
  const all = draw(answer, size, seed)
  let next = 0
  const fair = Array.from({ length: size }, (_, n) => ({ n }))
  return enqueued(fair, () => (next < all.length ? all[next++] : undefined))
}

/** All of them at once; what is accepted must be in the store, as it was given, whatever is answered. */
async function enqueued(values, answerTo) {
  const engine = engineOn(memoryStorage(), answerTo)
  await engine.start()
  const accepted = []
  const calls = values.map((payload, at) => async () => {
    const operation = await engine.enqueue({
      type: TYPES[at % TYPES.length],
      entity: at % 3 === 0 ? 'task' : 'note',
      id: `e${at % 40}`,
      payload,
    })
    accepted.push(operation.id)
  })
  const found = await wrongs({
    ...Object.fromEntries(calls.entries()),
    flush: () => engine.flush(),
    view: () => engine.view('note').list(),
  })
  for (const id of accepted)
    if ((await engine.operations.get(id)) === undefined) found.push(`operation ${id} was accepted and is lost.`)
  const { phase } = await new Promise((resolve) => engine.state$.subscribe(resolve))
  if (phase === 'failed' || phase === 'stopped') found.push(`the engine is ${phase}.`)
  return [...found, ...(await wrongs({ stop: () => engine.stop() }))]
}

async function pages(seed, size) {
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
  while (rest.length > 0 && found.length === 0)
    found.push(...(await wrongs({ synchronize: () => engine.synchronize(), view: () => engine.view('note').list() })))
  if ((await engine.operations.get(kept.id)) === undefined) found.push('an operation is lost.')
  return [...found, ...(await wrongs({ stop: () => engine.stop() }))]
}

async function messages(seed, size) {
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
  for (const data of draw(pushed, size, seed)) {
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

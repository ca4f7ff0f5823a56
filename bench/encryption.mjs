import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { createSyncEngine } from 'synchart'
import { encryptedStorage, generateKey } from 'synchart/storage/encrypted'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { cpuTimed, instantTransport, interleaved, measured, newPath, paired, payload } from './support.mjs'

const TOGETHER = 2_000
/** As many as a request carries. */
const BATCH = 100
const READ = 1_000
/** What a row of `payload` gives the cipher to seal, and to bind it to. */
const SEALED_BYTES = 442
const BOUND_BYTES = 161

/**
 * What sealing adds to an enqueue in batches, and opening to a read, against the same engine on the same store in plain text; and
 * what the cipher alone takes for as many rows of that size, which nothing but fewer rows can lessen.
 */
export async function benchEncryption(rounds) {
  const keys = { current: 'k1', all: { k1: await generateKey() } }
  const plain = await contender(sqliteStorage({ path: newPath() }))
  const sealed = await contender(encryptedStorage({ storage: sqliteStorage({ path: newPath() }), keys }))
  const enqueued = (each) =>
    paired(
      rounds,
      () => measured(() => plain.enqueue(each)),
      () => measured(() => sealed.enqueue(each)),
    )
  const batches = await enqueued(BATCH)
  const enqueue = await enqueued(TOGETHER)
  const read = await paired(
    rounds,
    () => measured(plain.read),
    () => measured(sealed.read),
  )
  const cipher = await interleaved(rounds, {
    node: () => cpuTimed(sealAll),
    web: () => cpuTimed(() => sealAllOnTheWeb(keys.all.k1)),
  })
  await plain.stop()
  await sealed.stop()
  const { off } = enqueue('cpuMs')
  return [
    ratio(`encrypted enqueue, ${BATCH} at a time`, batches, TOGETHER, 1.25),
    ratio(`encrypted enqueue, ${TOGETHER} at once`, enqueue, TOGETHER, 1.25),
    {
      what: 'enqueue in plain text and the cipher alone',
      value: (off + cipher.node) / off,
      unit: '× CPU in plain text',
      limit: 1.25,
      detail: `the cipher takes ${us(cipher.node, TOGETHER)} µs CPU a row by node:crypto, ${us(cipher.web, TOGETHER)} by WebCrypto, all at once`,
    },
    ratio('encrypted list of operations', read, READ, 3),
  ]
}

function sealAll() {
  const key = createSecretKey(randomBytes(32))
  const [row, bound, nonce] = [randomBytes(SEALED_BYTES), randomBytes(BOUND_BYTES), randomBytes(12)]
  for (let i = 0; i < TOGETHER; i++) {
    const cipher = createCipheriv('aes-256-gcm', key, nonce)
    cipher.setAAD(bound)
    cipher.update(row)
    cipher.final()
    cipher.getAuthTag()
  }
}

function sealAllOnTheWeb(key) {
  const [row, additionalData, iv] = [randomBytes(SEALED_BYTES), randomBytes(BOUND_BYTES), randomBytes(12)]
  const one = () => crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, key, row)
  return Promise.all(Array.from({ length: TOGETHER }, one))
}

async function contender(storage) {
  const engine = createSyncEngine({ storage, transport: instantTransport(), entities: { note: {} } })
  await engine.start()
  engine.pause('bench')
  let next = 0
  const one = () => engine.enqueue({ type: 'create', entity: 'note', id: `n${++next}`, payload: payload(next) })
  const enqueue = async (each) => {
    for (let left = TOGETHER; left > 0; left -= each) await Promise.all(Array.from({ length: each }, one))
  }
  const read = () => engine.operations.list({ status: 'queued', limit: READ })
  await enqueue(TOGETHER)
  await read()
  return { enqueue, read, stop: () => engine.stop() }
}

const us = (ms, count) => ((1000 * ms) / count).toFixed(1)

function ratio(what, of, count, limit) {
  const [wall, cpu] = [of('ms'), of('cpuMs')]
  const detail = `rounds ${wall.spread}; ${us(wall.on, count)} against ${us(wall.off, count)} µs a row; CPU ${cpu.ratio.toFixed(2)} ×, ${us(cpu.on, count)} against ${us(cpu.off, count)}`
  return { what, value: wall.ratio, unit: '× in plain text', limit, detail }
}

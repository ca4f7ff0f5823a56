import { createSyncEngine } from 'synchart'
import { encryptedStorage, generateKey } from 'synchart/storage/encrypted'
import { sqliteStorage } from 'synchart/storage/sqlite'
import { cpuTimed, instantTransport, interleaved, newPath, payload, timed } from './support.mjs'

const TOGETHER = 2_000
const READ = 1_000

/** What sealing adds to an enqueue in batches, and opening to a read, against the same engine on the same store in plain text. */
export async function benchEncryption(rounds) {
  const keys = { current: 'k1', all: { k1: await generateKey() } }
  const plain = await contender(sqliteStorage({ path: newPath() }))
  const sealed = await contender(encryptedStorage({ storage: sqliteStorage({ path: newPath() }), keys }))
  const result = await interleaved(rounds, {
    plain: () => timed(plain.enqueue),
    sealed: () => timed(sealed.enqueue),
    plainCpu: () => cpuTimed(plain.enqueue),
    sealedCpu: () => cpuTimed(sealed.enqueue),
    plainRead: () => timed(plain.read),
    sealedRead: () => timed(sealed.read),
    plainReadCpu: () => cpuTimed(plain.read),
    sealedReadCpu: () => cpuTimed(sealed.read),
  })
  await plain.stop()
  await sealed.stop()
  return [
    ratio('encrypted enqueue, in batches', [result.sealed, result.plain], [result.sealedCpu, result.plainCpu], TOGETHER, 1.25),
    ratio(
      'encrypted list of operations',
      [result.sealedRead, result.plainRead],
      [result.sealedReadCpu, result.plainReadCpu],
      READ,
      3,
    ),
  ]
}

async function contender(storage) {
  const engine = createSyncEngine({ storage, transport: instantTransport(), entities: { note: {} } })
  await engine.start()
  engine.pause('bench')
  let next = 0
  const one = () => engine.enqueue({ type: 'create', entity: 'note', id: `n${++next}`, payload: payload(next) })
  const enqueue = () => Promise.all(Array.from({ length: TOGETHER }, one))
  const read = () => engine.operations.list({ status: 'queued', limit: READ })
  await enqueue()
  await read()
  return { enqueue, read, stop: () => engine.stop() }
}

function ratio(what, [value, against], cpu, count, limit) {
  const us = (ms) => ((1000 * ms) / count).toFixed(1)
  const detail = `${us(value)} against ${us(against)} µs a row; CPU ${cpu.map(us).join(' against ')}`
  return { what, value: value / against, unit: '× in plain text', limit, detail }
}

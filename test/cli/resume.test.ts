import { appendFile, copyFile } from 'node:fs/promises'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { httpTransport } from '../../src/adapters/http/index.ts'
import { sqliteStorage } from '../../src/adapters/sqlite/index.ts'
import { createSyncEngine } from '../../src/index.ts'
import { faultsOfOrder, fileOf, notes, run, serverOf, start, summaryOf, valuesOf } from './support.ts'

const everyNote = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${i}`, { title: `Note ${i}`, done: i }]))

/** An address where nobody listens, for now. */
async function freePort(): Promise<number> {
  const socket = createTcpServer().listen(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address() as AddressInfo
  socket.close()
  await once(socket, 'close')
  return port
}

describe('A11 a push that ends before it is done', () => {
  it('S4 goes on after SIGKILL where it was, and no effect comes twice', async () => {
    const server = await serverOf({ faults: { rate: 0.1, seed: 7, retryAfterMaxSeconds: 0 } })
    const file = await fileOf(notes(150))
    const args = ['push', file, '--to', server.url, '--no-coalesce', '--json', '--progress', 'json']
    for (const share of [0.2, 0.6]) {
      const worker = start(args)
      await worker.progress(({ ended, total }) => ended >= share * total)
      worker.kill('SIGKILL')
      expect(await worker.ended).toMatchObject({ signal: 'SIGKILL' })
    }
    const last = await run(args)
    expect(last.code).toBe(0)
    expect(summaryOf(last)).toMatchObject({ lines: 300, accepted: 0, known: 300, run: { takeovers: 1 }, inStore: { live: 0 } })
    expect(valuesOf(server)).toEqual(everyNote(150))
    expect(faultsOfOrder(server)).toEqual({ doubled: [], outOfOrder: [] })
  })

  it('B15 finds everything done when the same command runs again, and sends nothing', async () => {
    const server = await serverOf()
    const file = await fileOf(notes(30))
    await run(['push', file, '--to', server.url])
    const effects = server.ledger().length
    const again = await run(['push', file, '--to', server.url, '--json'])
    expect(again.code).toBe(0)
    expect(summaryOf(again)).toMatchObject({ accepted: 0, known: 60, run: { requests: 0 } })
    expect(server.ledger()).toHaveLength(effects)
  })

  it('B15 refuses a file that has changed since, which would send everything again', async () => {
    const server = await serverOf()
    const file = await fileOf(notes(2))
    await run(['push', file, '--to', server.url])
    const effects = server.ledger().length
    await appendFile(file, `${JSON.stringify(notes(3).at(-2))}\n`)
    const { code, stderr } = await run(['push', file, '--to', server.url])
    expect(code).toBe(2)
    expect(stderr).toContain('has changed since it was pushed')
    expect(server.ledger()).toHaveLength(effects)
  })

  it('B15 refuses another server, which would get nothing of what is done', async () => {
    const [first, second] = [await serverOf(), await serverOf()]
    const file = await fileOf(notes(2))
    await run(['push', file, '--to', first.url])
    const { code, stderr } = await run(['push', file, '--to', second.url])
    expect(code).toBe(2)
    expect(stderr).toContain(`belongs to the server ${first.url}, not to ${second.url}`)
    expect(stderr).toContain('another --store')
    expect(second.ledger()).toEqual([])
    expect(await run(['push', file, '--to', `${first.url.replace('http', 'HTTP')}/`])).toMatchObject({ code: 0 })
    expect(await run(['push', file, '--to', second.url, '--store', `${file}.second.db`])).toMatchObject({ code: 0 })
    expect(valuesOf(second)).toEqual(everyNote(2))
  })

  it('B15 sends to another server nothing of what a killed push has left', async () => {
    const [first, second] = [await serverOf({ faults: { rate: 1, weights: { unavailable: 1 } } }), await serverOf()]
    const file = await fileOf(notes(2))
    const worker = start(['push', file, '--to', first.url, '--progress', 'json'])
    await worker.progress(({ requests }) => requests > 0)
    worker.kill('SIGKILL')
    await worker.ended
    expect(await run(['push', file, '--to', second.url])).toMatchObject({ code: 2 })
    expect(second.ledger()).toEqual([])
  })

  it('B15 takes the first server for that of a store which names none', async () => {
    const [first, second] = [await serverOf(), await serverOf()]
    const file = await fileOf(notes(2))
    const engine = createSyncEngine({
      storage: sqliteStorage({ path: `${file}.db` }),
      transport: httpTransport({ baseURL: first.url }),
      entities: { note: {} },
    })
    await engine.start()
    await engine.enqueue({ type: 'create', entity: 'note', id: 'own', payload: {} })
    await engine.stop()
    const args = ['push', file, '--store', `${file}.db`, '--to']
    expect(await run([...args, first.url])).toMatchObject({ code: 0 })
    expect(await run([...args, second.url])).toMatchObject({ code: 2 })
    expect(valuesOf(first)).toEqual({ own: {}, ...everyNote(2) })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('S1 stops cleanly at %s and says how to go on', async (signal) => {
    const server = await serverOf()
    server.setFaults({ rate: 1, weights: { unavailable: 1 }, retryAfterMaxSeconds: 0 })
    const file = await fileOf(notes(5))
    const worker = start(['push', file, '--to', server.url, '--progress', 'json'])
    await worker.progress(({ requests, stored }) => stored === 10 && requests > 0)
    worker.kill(signal)
    const { code, stderr } = await worker.ended
    expect(code).toBe(1)
    expect(stderr).toContain(`Stopped by ${signal}.`)
    expect(stderr).toContain('Run the same command again to go on.')
    server.setFaults(undefined)
    expect(await run(['push', file, '--to', server.url])).toMatchObject({ code: 0 })
    expect(valuesOf(server)).toEqual(everyNote(5))
  })
})

describe('S1 a signal that comes before anything was sent', () => {
  /** Sends the signal as soon as something listens to it. */
  const preload = (signal: string): string =>
    `--import=data:text/javascript,process.on('newListener',(name)=>{if(name==='${signal}')setImmediate(()=>process.kill(process.pid,name))})`

  it.each(['SIGINT', 'SIGTERM'])('%s ends with a summary all the same', async (signal) => {
    const server = await serverOf()
    const file = await fileOf(notes(2))
    const result = await run(['push', file, '--to', server.url, '--json'], { NODE_OPTIONS: preload(signal) })
    expect(result).toMatchObject({ code: 1, signal: null })
    expect(result.stderr).not.toContain('synchart:')
    expect(summaryOf(result)).toMatchObject({ accepted: 0, finished: false, stopped: { type: 'signal' } })
    expect(server.ledger()).toEqual([])
    expect(await run(['push', file, '--to', server.url])).toMatchObject({ code: 0 })
    expect(valuesOf(server)).toEqual(everyNote(2))
  })
})

describe('L1 a server that is down', () => {
  it('is waited for, and the push ends once it is there', async () => {
    const port = await freePort()
    const file = await fileOf(notes(5))
    const worker = start(['push', file, '--to', `http://127.0.0.1:${port}`, '--progress', 'json'])
    await worker.progress(({ waitingFor, stored, requests }) => stored === 10 && requests > 0 && waitingFor !== undefined)
    const server = await serverOf({ port })
    expect(await worker.ended).toMatchObject({ code: 0 })
    expect(valuesOf(server)).toEqual(everyNote(5))
  })

  it('is given up when the time is over, with nothing lost', async () => {
    const file = await fileOf(notes(5))
    const result = await run([
      'push',
      file,
      '--to',
      `http://127.0.0.1:${await freePort()}`,
      '--timeout',
      '10',
      '--no-coalesce',
      '--json',
    ])
    expect(result.code).toBe(1)
    expect(summaryOf(result)).toMatchObject({
      accepted: 10,
      finished: false,
      stopped: { type: 'timeout' },
      inStore: { operations: 10, live: 10 },
    })
  })
})

describe('A1 pushes that share a store', () => {
  it('E1 of the same file at once bring each operation once', async () => {
    const server = await serverOf()
    const file = await fileOf(notes(300))
    const args = ['push', file, '--to', server.url, '--no-coalesce', '--json']
    const results = await Promise.all([run(args), run(args)])
    expect(results.map(({ code }) => code)).toEqual([0, 0])
    expect(results.reduce((sum, result) => sum + summaryOf(result).accepted, 0)).toBe(600)
    expect(valuesOf(server)).toEqual(everyNote(300))
    expect(server.ledger()).toHaveLength(600)
    expect(faultsOfOrder(server)).toEqual({ doubled: [], outOfOrder: [] })
  })

  it('E1 of two files at once bring both', async () => {
    const server = await serverOf()
    const [one, two] = [await fileOf(notes(40)), await fileOf(notes(40).map((line) => ({ ...line, entity: 'task' })))]
    const results = await Promise.all([one, two].map((file) => run(['push', file, '--to', server.url, '--store', `${one}.db`])))
    expect(results.map(({ code }) => code)).toEqual([0, 0])
    expect(valuesOf(server)).toEqual(everyNote(40))
    expect(valuesOf(server, 'task')).toEqual(everyNote(40))
  })

  it('E1 with an application leave the sending to it while it owns the lease', async () => {
    const server = await serverOf()
    const file = await fileOf(notes(20))
    const engine = createSyncEngine({
      storage: sqliteStorage({ path: `${file}.db` }),
      transport: httpTransport({ baseURL: server.url }),
      entities: { note: {} },
      lock: { heartbeatMs: 200, staleMs: 60_000, pollMs: 100 },
    })
    await engine.start()
    try {
      await engine.enqueue({ type: 'create', entity: 'note', id: 'own', payload: {} })
      await engine.flush()
      const result = await run(['push', file, '--to', server.url, '--store', `${file}.db`, '--json'])
      expect(result.code).toBe(0)
      expect(summaryOf(result)).toMatchObject({
        accepted: 40,
        run: { requests: 0, takeovers: 0 },
        inStore: { live: 0, operations: 41 },
      })
    } finally {
      await engine.stop()
    }
    expect(valuesOf(server)).toEqual({ own: {}, ...everyNote(20) })
  })

  it('F8 speak of another process only while there is one', async () => {
    const server = await serverOf({ faults: { rate: 1, weights: { unavailable: 1 }, retryAfterMaxSeconds: 0 } })
    const file = await fileOf(notes(5))
    const args = ['push', file, '--to', server.url]
    const killed = start([...args, '--progress', 'json'])
    await killed.progress(({ role, requests }) => role === 'owner' && requests > 0)
    const beside = start([...args, '--progress', 'json'])
    await beside.progress(({ role }) => role === 'follower')
    beside.kill('SIGTERM')
    await beside.ended
    killed.kill('SIGKILL')
    await killed.ended
    server.setFaults(undefined)
    for (let times = 0; times < 2; times++) {
      const { code, stderr } = await run([...args, '--progress', 'plain'])
      expect(code).toBe(0)
      expect(stderr).not.toContain('another process sends')
    }
  })

  it('B15 goes on with a file and a store that were moved together', async () => {
    const server = await serverOf()
    const [from, to] = [await fileOf(notes(4)), await fileOf([])]
    await run(['push', from, '--to', server.url])
    const effects = server.ledger().length
    await copyFile(from, to)
    await copyFile(`${from}.synchart.db`, `${to}.synchart.db`)
    expect(summaryOf(await run(['push', to, '--to', server.url, '--json']))).toMatchObject({ accepted: 0, known: 8 })
    expect(server.ledger()).toHaveLength(effects)
  })
})

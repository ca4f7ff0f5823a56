import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { createServer } from '../../src/server/index.ts'
import { startWorker } from './support.ts'

const NOTES = 3_000
/** A life is killed while it asks for one of its first pages, or stores it. */
const MOST_PAGES = 8
const PAGE_MS = 20
const MOST_LIVES = 200

async function filledServer() {
  const server = await createServer({})
  const { url } = await server.listen()
  onTestFinished(() => server.close())
  for (let from = 0; from < NOTES; from += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, n) => post(url, { id: `n${from + n}`, title: `note ${from + n}` })))
  }
  return { url, expected: hashOf(server.state('note') as unknown as readonly Note[]) }
}

interface Note {
  readonly id: string
  readonly title: string
  readonly version: string
}

async function post(url: string, note: Omit<Note, 'version'>): Promise<void> {
  const headers = { 'content-type': 'application/json', 'idempotency-key': `"${note.id}"` }
  const { status } = await fetch(`${url}/note`, { method: 'POST', headers, body: JSON.stringify(note) })
  expect(status).toBe(201)
}

function hashOf(notes: readonly Note[]): string {
  const hash = createHash('sha256')
  const sorted = notes.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  for (const { id, title, version } of sorted) hash.update(JSON.stringify([id, title, version]))
  return `=${sorted.length} ${hash.digest('hex')}`
}

it('S18 B11 a pull that is killed again and again goes on at the page it was on, and ends with what the server has', async () => {
  const { url, expected } = await filledServer()
  const folder = await mkdtemp(join(tmpdir(), 'synchart-pull-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const asked: string[] = []
  let kills = 0
  let shown: string | undefined
  for (let life = 0; shown === undefined && life < MOST_LIVES; life++) {
    const worker = startWorker('pull', join(folder, 'store.db'), url)
    let left = Math.ceil(Math.random() * MOST_PAGES)
    await worker.until((line) => line.startsWith('?') && --left === 0).catch(() => {})
    await after(Math.random() * PAGE_MS)
    worker.kill()
    if ((await worker.ended) === 'SIGKILL') kills += 1
    asked.push(...worker.lines.filter((line) => line.startsWith('?')))
    shown = worker.lines.find((line) => line.startsWith('='))
  }
  expect(shown).toBe(expected)
  expect(kills).toBeGreaterThan(2)
  // A page may be asked for again by the next life, for its commit may not have come to be; none before it is.
  const order = [...new Set(asked)]
  const places = asked.map((cursor) => order.indexOf(cursor))
  expect(places).toEqual(places.toSorted((a, b) => a - b))
  expect(order.length).toBeGreaterThanOrEqual(NOTES / 50)
}, 300_000)

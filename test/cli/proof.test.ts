import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fileOf } from './support.ts'

interface Verdict {
  readonly compared: number
  readonly lost: string[]
  readonly doubled: string[]
  readonly outOfOrder: string[]
}

const pathOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const { verify } = (await import(pathOf('examples/start/verify.mjs'))) as {
  verify: (file: string, url: string) => Promise<Verdict>
}

async function script(path: string, ...args: string[]): Promise<{ code: number; stdout: string }> {
  const child = spawn(process.execPath, [pathOf(path), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const [code] = (await once(child, 'close')) as [number]
  return { code, stdout }
}

/** A server that claims to have this. */
async function claiming(resources: object[], entries: object[]): Promise<string> {
  const server = createServer((request, response) =>
    response.end(JSON.stringify(request.url === '/_ledger' ? { entries } : { resources })),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const operations = [
  { type: 'create', entity: 'note', id: 'a', payload: { title: 'A', tags: { red: true } } },
  { type: 'update', entity: 'note', id: 'a', payload: { tags: { red: null, blue: true } } },
  { type: 'create', entity: 'note', id: 'b', payload: {} },
  { type: 'delete', entity: 'note', id: 'b' },
]
const right = { id: 'a', title: 'A', tags: { blue: true }, version: '7' }
const effect = (key: string, sequence: number, id = 'a') => ({ user: 'u', client: 'c', key, sequence, entity: 'note', id })

describe('the check of the proof', () => {
  it('finds nothing where all is well', async () => {
    const url = await claiming([right], [effect('k1', 1), effect('k2', 2), effect('k3', 3, 'b')])
    expect(await verify(await fileOf(operations), url)).toEqual({
      compared: 1,
      effects: 3,
      lost: [],
      doubled: [],
      outOfOrder: [],
    })
  })

  it('finds what is missing, different or too much', async () => {
    const file = await fileOf(operations)
    expect(await verify(file, await claiming([], []))).toMatchObject({ lost: ['note/a'] })
    expect(await verify(file, await claiming([{ ...right, title: 'B' }], []))).toMatchObject({ lost: ['note/a'] })
    expect(await verify(file, await claiming([right, { id: 'b', version: '1' }], []))).toMatchObject({ lost: ['note/b'] })
  })

  it('S4 finds an effect that came twice, under its key or under another one', async () => {
    const file = await fileOf(operations)
    expect(await verify(file, await claiming([right], [effect('k1', 1), effect('k1', 2)]))).toMatchObject({
      doubled: ['key u k1'],
    })
    expect(await verify(file, await claiming([right], [effect('k1', 1), effect('k1.1', 1)]))).toMatchObject({
      doubled: ['operation c 1'],
    })
  })

  it('S9 finds an effect that came after a later one on its entity, and on no other', async () => {
    const url = await claiming([right], [effect('k2', 2), effect('k3', 1, 'b'), effect('k1', 1)])
    expect(await verify(await fileOf(operations), url)).toMatchObject({ outOfOrder: ['note/a #1'] })
  })
})

describe('A11 the proof', () => {
  it('S1 S4 S9 of npm start holds: 2,000 writes through faults, with the worker killed half-way', async () => {
    const { code, stdout } = await script('examples/start.mjs')
    expect(stdout).toContain('killed with SIGKILL')
    for (const row of ['operations +2,000', 'takeovers +1', 'lost +0', 'doubled +0', 'out of order +0'])
      expect(stdout).toMatch(new RegExp(`^ +${row}$`, 'm'))
    expect(code).toBe(0)
  }, 90_000)

  it('S1 S4 S9 of a history holds, with the client killed again and again', async () => {
    const file = pathOf('examples/data/history-2000.ndjson')
    const { code, stdout } = await script('scripts/history.mjs', file, '--kills', '4', '--json', '--', '--window', '200')
    expect(JSON.parse(stdout)).toMatchObject({ proven: true, operations: 2_000, killed: 4, lost: 0, doubled: 0, outOfOrder: 0 })
    expect(code).toBe(0)
  }, 90_000)
})

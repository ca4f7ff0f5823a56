import { readFileSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileOf, folder, notes, run, serverOf, start, summaryOf, valuesOf } from './support.ts'

describe('synchart push', () => {
  it('D6 brings every operation of a file to the server and prints what became of them', async () => {
    const server = await serverOf()
    const file = await fileOf([...notes(20), { type: 'delete', entity: 'note', id: 'n3', at: 1_442_243_055 }])
    const { code, stdout, stderr } = await run(['push', file, '--to', server.url])
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('41 of 41') })
    const expected = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, { title: `Note ${i}`, done: i }]))
    delete expected['n3']
    expect(valuesOf(server)).toEqual(expected)
    expect(stdout).toMatch(/lines +41\n +accepted +41\n +done +\d+\n +superseded/)
    expect(stdout + stderr, 'no colours and no cursor movements outside a terminal').not.toContain('\u001B')
  })

  it('A11 reports each bad line with its number and pushes all the others', async () => {
    const server = await serverOf()
    const [create, update] = notes(1)
    const file = await fileOf([
      create!,
      'this is not JSON',
      '',
      '["no", "object"]',
      { entity: 'note', id: 'n1', payload: {} },
      { type: 'create', entity: 'no name', id: 'n1', payload: {} },
      { type: 'create', entity: 'note', id: 7, payload: {} },
      '{"type":"create","entity":"note","id":"evil","payload":{"__proto__":{"admin":true}}}',
      { type: 'create', entity: 'note', id: 'n1', payload: { text: 'x'.repeat(300_000) } },
      { type: 'create', entity: 'note', id: 'n1', payload: { text: 'one line \u2028 for JSON' } },
      `${JSON.stringify(update)}\r`,
    ])
    await appendFile(file, Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]))
    await appendFile(file, '{"type":"create","entity":"note","id":"last","payload":{}}')
    const { code, stderr } = await run(['push', file, '--to', server.url])
    expect(code).toBe(1)
    for (const [line, reason] of [
      [2, 'is not JSON'],
      [4, 'is not a JSON object'],
      [5, 'has no type'],
      [6, 'names the entity "no name"'],
      [7, 'has no id'],
      [8, 'is refused: '],
      [9, 'is refused: '],
      [12, 'is not UTF-8'],
    ] as const) {
      expect(stderr).toContain(`line ${line} ${reason}`)
    }
    const lines = [...stderr.matchAll(/^line (\d+) /gm)].map(([, line]) => Number(line))
    expect(lines, 'in the order of the file').toEqual([2, 4, 5, 6, 7, 8, 9, 12])
    expect(stderr).toContain('8 lines of')
    expect(valuesOf(server)).toEqual({
      n0: { title: 'Note 0', done: 0 },
      n1: { text: 'one line \u2028 for JSON' },
      last: {},
    })
  })

  it('D6 says the same as JSON, and nothing else on stdout', async () => {
    const server = await serverOf()
    const file = await fileOf([
      '{',
      ...notes(3),
      { ...notes(1)[1], colour: 'red' },
      { type: 'update', entity: 'note', id: 'absent', payload: {} },
    ])
    const result = await run(['push', file, '--to', server.url, '--json', '--progress', 'none'])
    expect(result).toMatchObject({ code: 1 })
    expect(summaryOf(result)).toMatchObject({
      lines: 9,
      accepted: 8,
      known: 0,
      bad: 1,
      badLines: [{ line: 1, reason: 'is not JSON' }],
      ignoredFields: { colour: { lines: 1, firstLine: 8 } },
      inStore: { operations: 8, live: 0, byStatus: { rejected: 1 }, rejected: [{ entityId: 'absent' }] },
      finished: true,
    })
  })

  it('E4 lists what the server refused with its reason and says how to look at it', async () => {
    const server = await serverOf()
    const file = await fileOf([...notes(2), { type: 'update', entity: 'note', id: 'absent', payload: { a: 1 } }])
    const { code, stdout } = await run(['push', file, '--to', server.url])
    expect(code).toBe(1)
    expect(stdout).toMatch(/rejected:\n {2}[\w-]+ {2}update note\/absent, 1 attempt: .*404/)
    expect(stdout).toContain(`synchart explain ${file}.synchart.db <id>`)
    expect(Object.keys(valuesOf(server))).toEqual(['n0', 'n1'])
  })

  it('A5 coalesces unless it is told not to, and ends in the same state', async () => {
    const [together, apart] = await Promise.all([serverOf(), serverOf()])
    const lines = [...notes(10), ...notes(10).filter((line) => 'type' in line && line.type === 'update')]
    const file = await fileOf(lines)
    const first = summaryOf(await run(['push', file, '--to', together.url, '--json']))
    const second = summaryOf(
      await run(['push', file, '--to', apart.url, '--json', '--no-coalesce', '--store', `${file}.apart.db`]),
    )
    expect(valuesOf(together)).toEqual(valuesOf(apart))
    expect(first.inStore.byStatus['superseded']).toBeGreaterThan(0)
    expect(first.run.requests).toBeLessThan(second.run.requests)
    expect(apart.ledger()).toHaveLength(30)
  })

  it('A5 sends batches where it is asked to', async () => {
    const server = await serverOf()
    const file = await fileOf(notes(100).filter((_, at) => at % 2 === 0))
    const result = await run(['push', file, '--to', server.url, '--batch', '20', '--concurrency', '2', '--json'])
    expect(result.code).toBe(0)
    expect(server.ledger()).toHaveLength(100)
    expect(summaryOf(result).run.requests).toBeLessThan(30)
  })

  it('L9 takes no more of the file than the window allows, and still all of it', async () => {
    const server = await serverOf()
    const file = await fileOf([{ type: 'update', entity: 'note', id: 'absent', payload: {} }, ...notes(60)])
    const result = await run(['push', file, '--to', server.url, '--window', '10', '--no-coalesce', '--json'])
    expect(summaryOf(result)).toMatchObject({ inStore: { byStatus: { done: 120, rejected: 1 } } })
  })

  it('L9 keeps to the window at the end of the file too', async () => {
    const server = await serverOf()
    server.setFaults({ rate: 1, weights: { unavailable: 1 } })
    const file = await fileOf(notes(3).slice(0, 5))
    const pushing = start(['push', file, '--to', server.url, '--window', '4', '--no-coalesce', '--json', '--progress', 'json'])
    await pushing.progress(({ requests }) => requests > 3)
    pushing.kill('SIGINT')
    expect(summaryOf(await pushing.ended)).toMatchObject({ lines: 5, inStore: { live: 4 } })
    server.setFaults(undefined)
    const again = await run(['push', file, '--to', server.url, '--window', '4', '--no-coalesce', '--json'])
    expect(summaryOf(again)).toMatchObject({ inStore: { live: 0, byStatus: { done: 5 } } })
  })

  it('takes a file without a line for done', async () => {
    const server = await serverOf()
    const result = await run(['push', await fileOf([]), '--to', server.url, '--json'])
    expect(result.code).toBe(0)
    expect(summaryOf(result)).toMatchObject({ lines: 0, accepted: 0, finished: true })
  })

  it('B1 leaves out what is about other entities than those named', async () => {
    const server = await serverOf()
    const file = await fileOf([...notes(1), { type: 'create', entity: 'task', id: 't1', payload: {} }])
    const { code, stderr } = await run(['push', file, '--to', server.url, '--entities', 'note'])
    expect(code).toBe(1)
    expect(stderr).toContain('line 3 is refused: ')
    expect(stderr).toContain(`1 line of ${file} is no operation and was left out.`)
    expect(server.state('task')).toEqual([])
  })
})

describe('E3 the bearer token', () => {
  const canary = 'canary-7f3a9d'

  it('comes from the environment at send time and is kept nowhere', async () => {
    const server = await serverOf({ auth: { users: (token) => (token === canary ? 'u1' : undefined) } })
    const file = await fileOf(notes(3))
    const { code, stdout, stderr } = await run(['push', file, '--to', server.url, '--token-env', 'NOTES_TOKEN'], {
      NOTES_TOKEN: canary,
    })
    expect(code).toBe(0)
    expect(Object.keys(valuesOf(server))).toHaveLength(3)
    expect(stdout + stderr).not.toContain(canary)
    expect(readFileSync(`${file}.synchart.db`).includes(canary)).toBe(false)
  })

  it('stops the push when the server refuses it, and nothing is lost', async () => {
    const server = await serverOf({ auth: { users: (token) => (token === canary ? 'u1' : undefined) } })
    const file = await fileOf(notes(3))
    const refused = await run(['push', file, '--to', server.url, '--token-env', 'NOTES_TOKEN', '--json'], {
      NOTES_TOKEN: 'wrong',
    })
    expect(refused.code).toBe(1)
    expect(summaryOf(refused)).toMatchObject({
      accepted: 6,
      finished: false,
      stopped: { type: 'credentials' },
      inStore: { byStatus: { rejected: 0 } },
    })
    const accepted = await run(['push', file, '--to', server.url, '--token-env', 'NOTES_TOKEN'], { NOTES_TOKEN: canary })
    expect(accepted.code).toBe(0)
    expect(Object.keys(valuesOf(server))).toHaveLength(3)
  })

  it('must be in the variable that is named', async () => {
    const { code, stderr } = await run([
      'push',
      await fileOf(notes(1)),
      '--to',
      'http://127.0.0.1:9',
      '--token-env',
      'NO_SUCH_TOKEN',
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('NO_SUCH_TOKEN is not set')
  })
})

describe('a push that can not begin', () => {
  it('names a file that does not exist', async () => {
    const { code, stderr } = await run(['push', join(await folder(), 'none.ndjson'), '--to', 'http://127.0.0.1:9'])
    expect(code).toBe(2)
    expect(stderr).toContain("none.ndjson can't be read")
  })

  it('D5 refuses an address that is none', async () => {
    for (const [to, reason] of [
      ['nowhere', '--to must be an http or https address, as http://127.0.0.1:4000, not nowhere.'],
      ['ftp://a.example', '--to must be an http or https address'],
      ['http://me:secret@a.example', '--to must hold no credentials'],
      ['http://a.example/?page=1', '--to must have no query'],
    ] as const) {
      const { code, stderr } = await run(['push', 'ops.ndjson', '--to', to])
      expect(code).toBe(2)
      expect(stderr).toContain(reason)
      expect(stderr).not.toContain('secret')
    }
  })

  it('leaves a file alone that is no database', async () => {
    const file = await fileOf(notes(1))
    const store = join(await folder(), 'precious.db')
    await writeFile(store, 'My notes, by hand. '.repeat(100))
    const { code, stderr } = await run(['push', file, '--to', 'http://127.0.0.1:9', '--store', store])
    expect(code).toBe(2)
    expect(stderr).toContain('not an SQLite database')
    expect(readFileSync(store, 'utf8')).toBe('My notes, by hand. '.repeat(100))
  })
})

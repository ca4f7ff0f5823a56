import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { guarded } from '../scripts/fuzz/guard.mjs'

const script = fileURLToPath(new URL('../scripts/fuzz.mjs', import.meta.url))
const KINDS = ['payloads', 'answers', 'batches', 'pages', 'digests', 'messages', 'lines', 'rows']

it('D5 S28 S29 random and hostile payloads, answers, pages, messages and stored rows crash, pollute and lose nothing', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--count', '800', '--seed', '1', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    count: 800,
    ...Object.fromEntries(KINDS.map((kind) => [kind, 100])),
    problems: [],
  })
})

it.each([
  ['for (;;);', /^it hangs: nothing came to an end for 0.5 s/],
  ['throw new Error("It broke.")', /^crash: Error: It broke/],
  ['process.exit(3)', /^the thread ended with 3/],
  ['process.exit(0)', /^the thread ended before it was done/],
])('D5 a fuzz that is in a loop, dies or stops on the way (%s) is told of, and does not run for ever', async (code, told) => {
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
  const end = await guarded(url, { workerData: undefined, limitMs: 500 }, () => undefined)
  expect(end).toMatch(told)
})

it('D5 of a fuzz that came to its end, nothing is told', async () => {
  const code = `import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ type: 'end' })`
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
  expect(await guarded(url, { workerData: undefined, limitMs: 5_000 }, () => undefined)).toBeUndefined()
})

it('D5 tells of a batch that hangs at which case it was', async () => {
  const heard: unknown[] = []
  const code = `import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ case: 5 }); for (;;);`
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
  expect(await guarded(url, { workerData: undefined, limitMs: 500 }, (news) => heard.push(news))).toMatch(/hangs/)
  expect(heard).toEqual([{ case: 5 }])
})

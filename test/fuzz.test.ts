import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const script = fileURLToPath(new URL('../scripts/fuzz.mjs', import.meta.url))

it('D5 S28 S29 random and hostile payloads, answers, pages, messages and stored rows crash, pollute and lose nothing', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--count', '500', '--seed', '1', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    count: 500,
    payloads: 100,
    answers: 100,
    pages: 100,
    messages: 100,
    rows: 100,
    problems: [],
  })
})

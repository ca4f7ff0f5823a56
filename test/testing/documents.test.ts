import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'synchart-testing-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** The code of the fenced block under a heading of docs/testing.md. */
async function example(heading: string): Promise<string> {
  const text = await readFile(join(root, 'docs/testing.md'), 'utf8')
  const [, section = ''] = text.split(`\n## ${heading}\n`)
  const block = /```js\n([\s\S]*?)```/.exec(section)?.[1]
  if (block === undefined) throw new Error(`docs/testing.md has no example under "${heading}".`)
  return block
}

describe('what applications are told of tests', () => {
  it.each(['An engine in virtual time', 'Your own server', 'What other clients do', 'Tests from machines'])(
    'F6 "%s" of docs/testing.md runs as it stands',
    async (heading) => {
      // Beside the built package, so that it can import it by its own name.
      const file = join(root, 'dist', `testing-${process.pid}.mjs`)
      await writeFile(file, await example(heading))
      try {
        const { stderr } = await run(process.execPath, [file], { cwd: folder })
        expect(stderr).toBe('')
      } finally {
        await rm(file)
      }
    },
  )

  it('F6 D8 the tests of examples/testing pass, run by node alone', async () => {
    const names = (await readdir(join(root, 'examples/testing'))).filter((name) => name.endsWith('.test.mjs'))
    const files = names.map((name) => join(root, 'examples/testing', name))
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', ...files], { cwd: folder })
    expect(stdout).toMatch(/^# fail 0$/m)
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(30)
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_SEED } from '../../src/testing/check.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const building = Object.entries(manifest.scripts).flatMap(([name, command]) => (command.includes('built.mjs') ? [name] : []))

interface Ended {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

function script(path: string, ...args: readonly string[]): Promise<Ended> {
  return node(root, path, ...args)
}

async function node(folder: string, path: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [path, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<unknown[]>,
  ])
  return { code, stdout, stderr }
}

describe('the scripts that build first', () => {
  /** Where nothing can be built, for there is neither code nor a compiler. */
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'synchart-scripts-'))
    for (const name of ['scripts', 'bench', 'examples']) cpSync(join(root, name), join(folder, name), { recursive: true, filter })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const filter = (path: string): boolean => !path.includes('node_modules')

  /** What `npm run` runs. */
  function unbuilt(name: string, ...args: readonly string[]): Promise<Ended> {
    const [, path = '', ...before] = manifest.scripts[name]!.split(' ')
    return node(folder, path, ...before, ...args)
  }

  it('are these', () => {
    expect(building).toEqual([
      'start',
      'inspect',
      'playground',
      'simulate',
      'planted',
      'crash',
      'history',
      'fuzz',
      'converge',
      'bench',
      'diagrams',
      'docs:api',
    ])
    expect(Object.values(manifest.scripts).filter((command) => /build &&/.test(command))).toEqual([])
  })

  it.each(building)('B1 %s tells what it does without a build', async (name) => {
    const { code, stdout, stderr } = await unbuilt(name, '--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(name === 'start' ? /^npm start\n/ : new RegExp(`^npm run ${name} -- `))
  })

  const wrong = [
    ['--seed', 'abc'],
    ['--seed', '4294967296'],
    ['--seeds', 'x'],
    ['--from', '-1'],
    ['--from=-1'],
    ['--from', '4294967290'],
    ['--workers', '0'],
    ['--sedes', '1'],
    ['7'],
  ] as const
  const wrongOfCrash = [
    ['--at', 'x'],
    ['--at', '5'],
    ['--devices', '0'],
    ['--tabs', 'two'],
    ['--steps', '1.5'],
  ] as const
  it.each([
    ...wrong.map((args) => ['simulate', ...args]),
    ...wrong.map((args) => ['crash', ...args]),
    ...wrongOfCrash.map((args) => ['crash', ...args]),
    ['simulate', '--text'],
    ...['simulate', 'crash', 'planted'].map((name) => [name, '--workers', '1001']),
    ['planted', '--budget', '1000001'],
    ['simulate', '--trace', 'seed.ndjson'],
    ['converge', '--seed', String(MAX_SEED)],
    ['history', '--kills', 'x', 'file.ndjson'],
    ['history', '--faults', '1.5', 'file.ndjson'],
    ['bench', '--only', 'drain,dream'],
    ['bench', '--rounds', '0'],
    ['start', '--fast'],
    ...building.map((name) => [name, '--sedes']),
  ])('B1 %s refuses %s %s without a build, in one line, with exit code 2', async (name = '', ...args) => {
    const { code, stdout, stderr } = await unbuilt(name, ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^${name}: [^\\n]+\\n$`))
    expect(stderr).toContain(args[0]!.split('=')[0])
  })

  it('B1 history wants a file', async () => {
    expect(await unbuilt('history')).toMatchObject({ code: 2, stderr: expect.stringContaining('file of operations') })
  })

  it.each(building)('%s does nothing where the build fails', async (name) => {
    const { code, stdout, stderr } = await unbuilt(name, ...(name === 'history' ? ['file.ndjson'] : []))
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('typescript')
  })
})

describe('the scripts that people call', () => {
  it('take the last seed of the simulator, and none beyond it', async () => {
    const from = (seed: number): Promise<Ended> =>
      script('scripts/simulate.mjs', '--seeds', '1', '--json', '--from', String(seed))
    expect(await from(MAX_SEED)).toMatchObject({ code: 0 })
    expect(await from(MAX_SEED + 1)).toMatchObject({ code: 2 })
  })

  it('simulate --json writes one line for programs', async () => {
    const { code, stdout } = await script('scripts/simulate.mjs', '--seed', '3', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ seeds: 1, hash: expect.any(String), faults: expect.any(Object) })
    expect(stdout.trimEnd()).not.toContain('\n')
  })

  it('simulate goes on where nobody reads any more how far it is', async () => {
    const often = 'const every = setInterval; globalThis.setInterval = (task) => every(task, 1)'
    const child = spawn(
      process.execPath,
      ['--import', `data:text/javascript,${often}`, 'scripts/simulate.mjs', '--seeds', '3', '--workers', '1'],
      { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const ended = Promise.all([text(child.stderr), once(child, 'close')])
    await once(child.stdout, 'data')
    child.stdout.destroy()
    expect(await ended).toEqual(['', [0, null]])
  })

  it('simulate says where a trace can not be written, before it runs', async () => {
    const { code, stdout, stderr } = await script('scripts/simulate.mjs', '--seed', '3', '--trace', root)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^simulate: --trace can't be written: [^\n]+\n$/)
  })

  it('planted says where no bug is named so, with exit code 2', async () => {
    expect(await script('scripts/planted.mjs', '--only', 'no such bug')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'planted: No bug is named "no such bug".\n',
    })
  })

  it('crash says where a seed has no such point, at which nothing crashed', async () => {
    const crash = (at: number): Promise<Ended> =>
      script('scripts/crash.mjs', '--seed', '1', '--tabs', '1', '--steps', '1', '--at', String(at))
    const { code, stdout, stderr } = await crash(1_000_000)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const [, points] =
      /^crash: --at 1000000 is none of the (\d+) points of seed 1, so nothing has crashed\.\n$/.exec(stderr) ?? []
    expect(await crash(Number(points))).toEqual({ code: 0, stdout: 'Nothing went wrong.\n', stderr: '' })
    expect(await crash(0)).toMatchObject({ code: 0 })
  })
})

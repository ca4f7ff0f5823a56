import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

async function script(path: string, ...args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url))
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<unknown[]>,
  ])
  return { code, stdout, stderr }
}

describe('the scripts that people call', () => {
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
  ])('B1 %s refuses %s %s in one line, with exit code 2', async (name, ...args) => {
    const { code, stdout, stderr } = await script(`scripts/${name}.mjs`, ...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^${name}: [^\\n]+\\n$`))
    expect(stderr).toContain(args[0]!.split('=')[0])
  })

  it('simulate --json writes one line for programs', async () => {
    const { code, stdout } = await script('scripts/simulate.mjs', '--seed', '3', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ seeds: 1, hash: expect.any(String), faults: expect.any(Object) })
    expect(stdout.trimEnd()).not.toContain('\n')
  })

  it('simulate, crash and start tell what they do, and do nothing', async () => {
    for (const path of ['scripts/simulate.mjs', 'scripts/crash.mjs', 'examples/start.mjs']) {
      const { code, stdout, stderr } = await script(path, '--help')
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^npm (run simulate|run crash|start)/)
      expect(stdout).not.toMatch(/server {3}http|Faults that fired|crashes,/)
    }
  })

  it('B1 start refuses an option that it does not have', async () => {
    expect(await script('examples/start.mjs', '--fast')).toMatchObject({ code: 2, stderr: expect.stringContaining('--fast') })
  })
})

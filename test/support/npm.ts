import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs npm in a folder, and fails with what it printed. */
export function npm(folder: string, ...args: readonly string[]): Promise<string> {
  const [command, first] = process.platform === 'win32' ? ['cmd.exe', ['/c', 'npm']] : ['npm', []]
  return output(folder, command, [...first, ...args])
}

/** Runs a program of Node in a folder, as a process of its own without anything that the test runner set up. */
export function node(folder: string, ...args: readonly string[]): Promise<string> {
  return output(folder, process.execPath, args)
}

async function output(folder: string, command: string, args: readonly string[]): Promise<string> {
  const { NODE_OPTIONS: _options, NODE_ENV: _mode, npm_config_local_prefix: _repository, ...env } = process.env
  try {
    const { stdout } = await run(command, args, { cwd: folder, env, timeout: 120_000 })
    return stdout
  } catch (error) {
    const printed =
      error instanceof Error && 'stdout' in error && 'stderr' in error ? [error.stdout, error.stderr].join('\n') : ''
    throw new Error(`${[command, ...args].join(' ')} failed:\n${printed}`, { cause: error })
  }
}

import { readFile } from 'node:fs/promises'
import { repeatedOption, wholeOption, type ParsedOptions } from './arguments.ts'
import { messagesOf, UsageError } from './errors.ts'
import { startInspectServer } from './inspect-server.ts'
import { printJson, type Io } from './io.ts'
import { onSignal } from './signals.ts'

const DEFAULT_PORT = 4_100

/** Serves the inspector on this machine until a signal ends it. Returns the exit code. */
export async function inspect(file: string | undefined, options: ParsedOptions, io: Io): Promise<number> {
  const port = wholeOption(options, 'port', 0, 65_535) ?? DEFAULT_PORT
  const origins = repeatedOption(options, 'allow-origin')
  const server = await startInspectServer({ port, origins, trace: file === undefined ? undefined : await traceOf(file) })
  const ended = new Promise<NodeJS.Signals>((resolve) => onSignal(resolve))
  if (options['json'] === true) printJson(io, { url: server.url, trace: file ?? null })
  else io.out(`${textOf(server.url, file)}Stop it with Ctrl-C.\n`)
  const signal = await ended
  await server.close()
  io.err(`Stopped by ${signal}.\n`)
  return 0
}

function textOf(url: string, file: string | undefined): string {
  if (file !== undefined) return `Open ${url} to step through ${file}. `
  return `Open ${url}\nand connect an engine: inspectTo(engine, { url: '${url}' }) from 'synchart/devtools'. `
}

async function traceOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new UsageError(`The trace ${file} can't be read: ${messagesOf(error)}`)
  }
}

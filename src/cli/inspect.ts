import { readFile, stat } from 'node:fs/promises'
import { traceHeaderOf } from '../core/trace-header.ts'
import { originsOption, wholeOption, type ParsedOptions } from './arguments.ts'
import { UsageError } from './errors.ts'
import { startInspectServer } from './inspect-server.ts'
import { printJson, type Io } from './io.ts'
import { onSignal } from './signals.ts'

const DEFAULT_PORT = 4_100
/** Of a file without a line break it is enough to see that it is no trace. */
const MAX_HEADER_BYTES = 65_536

/** Serves the inspector on this machine until a signal ends it. Returns the exit code. */
export async function inspect(file: string | undefined, options: ParsedOptions, io: Io): Promise<number> {
  const port = wholeOption(options, 'port', 0, 65_535) ?? DEFAULT_PORT
  const origins = originsOption(options, 'allow-origin')
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

/** Looked at before a page is offered: what its first line says of it, and whether anything can be read. */
async function traceOf(file: string): Promise<Uint8Array> {
  const trace = await contentOf(file).catch((cause: unknown) => {
    throw new UsageError(`${file} can't be read. Name a trace, as engine.recorder.export() or npm run simulate made it.`, {
      cause,
    })
  })
  const end = trace.indexOf('\n')
  try {
    traceHeaderOf(trace.subarray(0, end === -1 ? MAX_HEADER_BYTES : end).toString())
  } catch (cause) {
    throw new UsageError(`${file} can't be shown.`, { cause })
  }
  return trace
}

/** Of a pipe or a device there may never be an end. */
async function contentOf(file: string): Promise<Buffer> {
  const found = await stat(file)
  if (!found.isFile()) throw new UsageError('It is not a file.')
  return readFile(file)
}

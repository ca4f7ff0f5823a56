import { ValidationError } from '../core/errors.ts'
import { faultKinds, startServer, type FaultKind, type FaultOptions } from '../server/index.ts'
import { listOption, numberOption, originsOption, textOption, wholeOption, type ParsedOptions } from './arguments.ts'
import { messagesOf, UsageError } from './errors.ts'
import { printJson, type Io } from './io.ts'
import { onSignal } from './signals.ts'

const DEFAULT_PORT = 4_000

/** The reference server on this machine, until a signal ends it. Returns the exit code. */
export async function serve(options: ParsedOptions, io: Io): Promise<number> {
  const faults = faultsOf(options)
  const corsOrigins = originsOption(options, 'cors', ['*'])
  const database = textOption(options, 'database') ?? ':memory:'
  const server = await startServer({
    port: wholeOption(options, 'port', 0, 65_535) ?? DEFAULT_PORT,
    hostname: '127.0.0.1',
    database,
    inspect: options['inspect'] === true,
    onError: (error) => io.err(`${messagesOf(error)}\n`),
    ...(faults === undefined ? {} : { faults }),
    ...(corsOrigins.length === 0 ? {} : { corsOrigins: corsOrigins.includes('*') ? '*' : corsOrigins }),
  })
  const ended = new Promise<NodeJS.Signals>((resolve) => onSignal(resolve))
  if (options['json'] === true) printJson(io, { url: server.url, database, faults: faults ?? null })
  else
    io.out(`Serving ${server.url} (${database === ':memory:' ? 'in memory: nothing is kept' : database}). Stop it with Ctrl-C.\n`)
  const signal = await ended
  await server.close()
  io.err(`Stopped by ${signal}.\n`)
  return 0
}

function faultsOf(options: ParsedOptions): FaultOptions | undefined {
  const rate = numberOption(options, 'faults', 0, 1)
  const seed = wholeOption(options, 'fault-seed', 0, 2 ** 32 - 1)
  const weights = weightsOf(options)
  if (rate === undefined) {
    if (seed !== undefined || weights !== undefined)
      throw new UsageError('--fault-seed and --fault-weights need --faults, as --faults 0.1.')
    return undefined
  }
  return { rate, ...(seed === undefined ? {} : { seed }), ...(weights === undefined ? {} : { weights }) }
}

function weightsOf(options: ParsedOptions): Partial<Record<FaultKind, number>> | undefined {
  const pairs = listOption(options, 'fault-weights')?.map((pair) => pair.split('='))
  if (pairs === undefined) return undefined
  return Object.fromEntries(
    pairs.map(([name = '', weight = '', ...rest]) => {
      const kind = faultKinds.find((known) => known === name)
      if (kind === undefined || rest.length > 0 || !/^\d+(\.\d+)?$/.test(weight))
        throw new ValidationError(
          '--fault-weights',
          `${name}=${weight} is no weight of a fault. Use kind=number with ${faultKinds.join(', ')}.`,
        )
      return [kind, Number(weight)]
    }),
  )
}

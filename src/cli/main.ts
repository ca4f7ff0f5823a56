#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { cac, type CAC } from 'cac'
import { SyncError, ValidationError } from '../core/errors.ts'
import { isRecord } from '../core/schema.ts'
import { withNegatives, type ParsedOptions } from './arguments.ts'
import { messagesOf, UsageError } from './errors.ts'
import { printJson, processIo, type Io } from './io.ts'
import { pushOptions } from './push-options.ts'
import { createStopper } from './stop-reason.ts'

const io = processIo()
process.exitCode = await main(process.argv, io)

/** Runs a command line. Exit codes: 0 all is well, 1 something failed or is left to do, 2 the command was called wrongly. */
async function main(argv: readonly string[], to: Io): Promise<number> {
  const cli = cac('synchart')
  defineCommands(cli, to)
  cli.help((sections) => sections.map(withoutTrue))
  cli.version(version())
  try {
    cli.parse(withNegatives(argv), { run: false })
    if (cli.options['help'] === true || (cli.options['version'] === true && cli.matchedCommandName === undefined)) return 0
    if (cli.matchedCommand === undefined) return nothingToRun(cli)
    return await run(cli)
  } catch (error) {
    return failed(error, argv, to)
  }
}

function defineCommands(cli: CAC, to: Io): void {
  cli
    .command('push <file>', 'Enqueue a file of operations (one JSON object a line) and bring them to a server')
    .option('--to <url>', 'The server (needed)')
    .option('--store <file>', 'The SQLite file that keeps the operations (default: <file>.synchart.db)')
    .option('--concurrency <n>', 'Requests in flight at once (default: 6)')
    .option('--batch <n>', 'Operations in one request, where the server has POST /batch (default: 1)')
    .option('--entities <names>', 'The entities that lines may be about, as note,task (default: those in the file)')
    .option('--no-coalesce', 'Send every operation by itself (default: merge what waits for one entity)')
    .option('--conflict <strategy>', 'localWins, remoteWins, merge or manual (default: merge)')
    .option('--user <name>', 'Whose operations they are (default: default)')
    .option('--token-env <NAME>', 'The environment variable that holds the bearer token')
    .option('--max-attempts <n>', 'Park an operation after so many attempts (default: never)')
    .option('--window <n>', 'Take no more of the file while so many operations wait in the store (default: no limit)')
    .option('--timeout <seconds>', 'Stop after this time; run the command again to go on')
    .option('--progress <kind>', 'auto, bar, plain, json or none, on stderr (default: auto)')
    .option('--json', 'Print the summary as JSON')
    .example('synchart push ops.ndjson --to http://127.0.0.1:4000')
    .example('A line: {"type":"create","entity":"note","id":"n1","payload":{"title":"Hello"}}')
    .action(async (file: unknown, options: ParsedOptions) => {
      const checked = pushOptions(String(file), options)
      // Before all that takes time: a signal ends with a summary from the first moment.
      const stopper = createStopper(checked.timeoutMs)
      try {
        const { push } = await import('./push.ts')
        return await push(checked, to, stopper)
      } finally {
        stopper.end()
      }
    })
  cli
    .command('status <store>', 'Tell what a store holds and who drains it')
    .option('--json', 'Print JSON')
    .action(async (file: unknown, options: ParsedOptions) => {
      const { status } = await import('./status.ts')
      return status(String(file), { json: options['json'] === true }, to)
    })
  cli
    .command('explain <store> [id]', 'Tell why an operation, or the first ones, are not synced yet')
    .option('--json', 'Print JSON')
    .action(async (file: unknown, id: string | undefined, options: ParsedOptions) => {
      const { explain } = await import('./explain.ts')
      return explain(String(file), id, { json: options['json'] === true }, to)
    })
  cli
    .command('check <store>', 'Look for what is broken in a store (exit code 1 if something is), and repair it')
    .option('--repair', 'Mend what follows from the rest, and set aside what can not be read')
    .option('--json', 'Print JSON')
    .action(async (file: unknown, options: ParsedOptions) => {
      const { check } = await import('./check.ts')
      return check(String(file), { json: options['json'] === true, repair: options['repair'] === true }, to)
    })
  cli
    .command(
      'inspect [trace]',
      'Look at engines that connect, or step through a trace (a file of NDJSON), in a page of this machine',
    )
    .option('--port <n>', 'The port of the page; 0 takes a free one (default: 4100)')
    .option('--allow-origin <origin>', 'An origin whose pages may connect engines, as http://localhost:5173; may be given again')
    .option('--json', 'Print the address as JSON')
    .example('synchart inspect trace.ndjson')
    .action(async (file: string | undefined, options: ParsedOptions) => {
      const { inspect } = await import('./inspect.ts')
      return inspect(file, options, to)
    })
  cli
    .command('audit <store>', 'Tell what happened, where that was audited, the newest first')
    .option('--entity <name>', 'Only of this entity')
    .option('--id <id>', 'Only of this one of --entity')
    .option('--operation <id>', 'Only of this operation')
    .option('--since <time>', 'From this time on, as 2026-01-31T12:00:00Z or milliseconds since 1970')
    .option('--until <time>', 'Before this time')
    .option('--user <name>', 'Whose (default: default)')
    .option('--limit <n>', 'So many entries (default: 100)')
    .option('--after <number>', 'What comes after this entry')
    .option('--json', 'Print JSON')
    .action(async (file: unknown, options: ParsedOptions) => {
      const { audit } = await import('./audit.ts')
      return audit(String(file), options, to)
    })
  cli
    .command('serve', 'Run the reference server on this machine')
    .option('--port <n>', '0 takes a free one (default: 4000)')
    .option('--database <file>', 'A SQLite file, or :memory: (default: :memory:)')
    .option('--faults <rate>', 'The share of requests that meet a fault, 0 to 1 (default: 0)')
    .option('--fault-seed <n>', 'Same seed, same faults (default: 1)')
    .option(
      '--fault-weights <kind=n,...>',
      'How often each kind comes up, as drop-response=3,delay=1 (default: all alike; with weights, those named only)',
    )
    .option('--cors <origin>', 'An origin whose pages may call it, as http://localhost:5173, or *; may be given again')
    .option('--inspect', 'Serve GET /_ledger and GET /_state/{entity}')
    .option('--json', 'Print the address as JSON')
    .action(async (options: ParsedOptions) => {
      const { serve } = await import('./serve.ts')
      return serve(options, to)
    })
}

/** cac tells a default of true for each `--no-…`, as if that were on. */
function withoutTrue(section: { title?: string; body: string }): { title?: string; body: string } {
  return { ...section, body: section.body.replaceAll(' (default: true)', '') }
}

async function run(cli: CAC): Promise<number> {
  const code: unknown = await cli.runMatchedCommand()
  return typeof code === 'number' ? code : 0
}

function nothingToRun(cli: CAC): number {
  const [name] = cli.args
  if (name !== undefined)
    throw new UsageError(`There is no command ${name}. There are: ${cli.commands.map((command) => command.name).join(', ')}.`)
  cli.outputHelp()
  return 2
}

function failed(error: unknown, argv: readonly string[], to: Io): number {
  const isUsage =
    error instanceof UsageError || error instanceof ValidationError || (error instanceof Error && error.name === 'CACError')
  const code = error instanceof SyncError ? error.code : isUsage ? 'usage' : 'unexpected'
  if (argv.includes('--json')) printJson(to, { error: { code, message: messagesOf(error) } })
  to.err(`synchart: ${messagesOf(error)}\n`)
  if (isUsage) to.err('See synchart --help.\n')
  return isUsage ? 2 : 1
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return isRecord(manifest) && typeof manifest['version'] === 'string' ? manifest['version'] : 'unknown'
}

import type { ConflictStrategy } from '../core/conflict.ts'
import { isEntityName } from './line.ts'
import { listOption, numberOption, requiredOption, textOption, wholeOption, type ParsedOptions } from './arguments.ts'
import { UsageError } from './errors.ts'
import { PROGRESS_MODES, type ProgressMode } from './progress.ts'

export interface PushOptions {
  readonly file: string
  /** Origin and path, without a slash at the end. */
  readonly to: string
  readonly store: string
  /** The store is the file's own: no other content belongs into it. */
  readonly isOwnStore: boolean
  readonly concurrency: number | undefined
  readonly batchSize: number | undefined
  readonly entities: readonly string[] | undefined
  readonly coalesce: boolean
  readonly user: string
  /** The environment variable that holds the bearer token. */
  readonly tokenEnv: string | undefined
  readonly conflict: Exclude<ConflictStrategy, (...args: never[]) => unknown> | undefined
  readonly maxAttempts: number | undefined
  readonly timeoutMs: number | undefined
  /** At most so many operations live in the store at once; the rest of the file waits. */
  readonly window: number | undefined
  readonly progress: ProgressMode
  readonly json: boolean
}

const CONFLICTS = ['localWins', 'remoteWins', 'merge', 'manual'] as const
const ENVIRONMENT_NAME = /^[A-Za-z_]\w*$/

/** @throws UsageError */
export function pushOptions(file: string, options: ParsedOptions): PushOptions {
  const store = textOption(options, 'store')
  const timeoutSeconds = numberOption(options, 'timeout', 0.1, 10_000_000)
  return {
    file,
    to: serverUrl(options),
    store: store ?? `${file}.synchart.db`,
    isOwnStore: store === undefined,
    concurrency: wholeOption(options, 'concurrency', 1, 256),
    batchSize: wholeOption(options, 'batch', 1, 1_000),
    entities: entitiesOf(options),
    coalesce: options['coalesce'] !== false,
    user: textOption(options, 'user') ?? 'default',
    tokenEnv: environmentName(options),
    conflict: oneOf(options, 'conflict', CONFLICTS),
    maxAttempts: wholeOption(options, 'max-attempts', 1, 1_000_000),
    timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1_000,
    window: wholeOption(options, 'window', 1, 100_000_000),
    progress: oneOf(options, 'progress', PROGRESS_MODES) ?? 'auto',
    json: options['json'] === true,
  }
}

function serverUrl(options: ParsedOptions): string {
  const text = requiredOption(options, 'to', 'http://127.0.0.1:4000')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(`--to must be an http or https address, as http://127.0.0.1:4000, not ${text}.`)
  if (url.username !== '' || url.password !== '')
    throw new UsageError(
      '--to must hold no credentials. Put a bearer token into an environment variable and name it with --token-env.',
    )
  if (/[?#]/.test(url.href)) throw new UsageError('--to must have no query and no fragment.')
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function entitiesOf(options: ParsedOptions): readonly string[] | undefined {
  const names = listOption(options, 'entities')
  const wrong = names?.find((name) => !isEntityName(name))
  if (wrong !== undefined)
    throw new UsageError(`--entities: ${wrong} is no name of an entity. Use a letter, then letters, digits, _ and -.`)
  if (names?.length === 0) throw new UsageError('--entities names none. Give some, as --entities note,task.')
  return names
}

function environmentName(options: ParsedOptions): string | undefined {
  const name = textOption(options, 'token-env')
  if (name === undefined || ENVIRONMENT_NAME.test(name)) return name
  throw new UsageError('--token-env takes the name of an environment variable, as API_TOKEN; never the token itself.')
}

function oneOf<T extends string>(options: ParsedOptions, name: string, known: readonly T[]): T | undefined {
  const text = textOption(options, name)
  const found = known.find((one) => one === text)
  if (text === undefined || found !== undefined) return found
  throw new UsageError(`--${name} must be ${known.join(', ')}.`)
}

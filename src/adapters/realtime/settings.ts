import { ValidationError, type SyncError } from '../../core/errors.ts'
import { isRecord } from '../../core/schema.ts'

export interface RealtimeAuth {
  /** Asked before each line for a bearer token; undefined sends none. */
  readonly token: () => Promise<string | undefined>
  /** Called once after a line was refused, before the next one asks for its token. */
  readonly refresh?: () => Promise<void>
}

export interface RealtimeLineOptions {
  readonly auth?: RealtimeAuth
  /** Only changes of these are told of. Default all. */
  readonly entities?: readonly string[]
  /** Gets what the server said and nobody understands: it is left out. Default: nobody is told. */
  readonly onIgnored?: (error: SyncError) => void
}

const ENTITY_NAME = /^[A-Za-z][\w-]{0,63}$/

/** Names, auth, entities and onIgnored. @throws ValidationError that names the option. */
export function checkLineOptions(factory: string, options: RealtimeLineOptions, known: readonly string[]): void {
  if (!isRecord(options)) throw new ValidationError(factory, 'give an object with at least a url')
  const all = ['auth', 'entities', 'onIgnored', ...known]
  for (const name of Object.keys(options)) {
    if (!all.includes(name)) throw new ValidationError(name, `is no option of ${factory}; there are ${all.join(', ')}`)
  }
  const { auth, entities, onIgnored } = options
  if (auth !== undefined && !(isRecord(auth) && typeof auth['token'] === 'function'))
    throw new ValidationError('auth.token', 'give a function that resolves with the bearer token, or undefined')
  if (auth?.refresh !== undefined && typeof auth.refresh !== 'function')
    throw new ValidationError('auth.refresh', 'must be a function that renews the token')
  if (entities !== undefined && !(Array.isArray(entities) && entities.every(isEntityName)))
    throw new ValidationError('entities', 'must be a list of names of entities')
  if (onIgnored !== undefined && typeof onIgnored !== 'function')
    throw new ValidationError('onIgnored', 'must be a function that takes an error')
}

function isEntityName(name: unknown): boolean {
  return typeof name === 'string' && ENTITY_NAME.test(name)
}

/** The one address that is ever spoken to. @throws ValidationError */
export function checkUrl(where: string, value: unknown, protocols: readonly ('http' | 'https' | 'ws' | 'wss')[]): URL {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !protocols.some((protocol) => url.protocol === `${protocol}:`))
    throw new ValidationError(where, `give an absolute URL that starts with ${protocols.join(':// or ')}://`)
  if (url.username !== '' || url.password !== '')
    throw new ValidationError(where, 'must not hold credentials; give them through auth.token')
  if (/[?#]/.test(url.href)) throw new ValidationError(where, 'must have no query and no fragment')
  return url
}

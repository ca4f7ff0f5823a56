import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { StorageConflictError } from '../core/errors.ts'
import type { Storage } from '../core/ports.ts'
import { isRecord, META, STORE_SCHEMA } from '../core/schema.ts'
import { UsageError } from './errors.ts'
import type { Survey } from './file-lines.ts'
import type { PushOptions } from './push-options.ts'

/** The row of `meta` that names the server that the operations of a store go to. */
const SERVER = 'pushed-to'

/**
 * The prefix of the idempotency keys for this content of the file. Comes before there is an engine, which would send what is left in the store at once.
 * @throws UsageError if the store's operations go to another server, or another content of the file was pushed before.
 */
export async function admit(storage: Storage, options: PushOptions, survey: Survey): Promise<string> {
  await storage.open(STORE_SCHEMA)
  try {
    await checkServer(storage, options)
    return await keyPrefixOf(storage, options, survey)
  } finally {
    await storage.close()
  }
}

/** What is done is done on one server: to another one nothing of it would be sent. A store that names none takes the first. */
async function checkServer(storage: Storage, { to, store }: PushOptions): Promise<void> {
  const { url } = await rowOrFirst(storage, { name: SERVER, url: to })
  if (url === to) return
  throw new UsageError(
    `${store} belongs to the server ${String(url)}, not to ${to}. Go on with --to ${String(url)}, or name another --store to send everything to ${to}.`,
  )
}

/** Made when the file is first pushed through this store, and not of its content: through another store, others would be coalesced under the same keys. */
async function keyPrefixOf(storage: Storage, { file, store, isOwnStore }: PushOptions, { hash }: Survey): Promise<string> {
  const name = isOwnStore ? 'pushed' : `pushed:${resolve(file)}`
  const row = await rowOrFirst(storage, { name, hash, keyPrefix: randomUUID() })
  if (row['hash'] === hash && typeof row['keyPrefix'] === 'string') return row['keyPrefix']
  throw new UsageError(
    `${file} has changed since it was pushed through ${store}. Put what is new into a file of its own and push that, or name another --store to send everything again.`,
  )
}

/** The row of this name, which is this one if there was none. */
async function rowOrFirst(
  storage: Storage,
  first: { readonly name: string } & Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, unknown>>> {
  if ((await storage.get(META, first.name)) === undefined) {
    await storage
      .commit([{ type: 'put', collection: META, value: first }], {
        expect: [{ collection: META, key: first.name, absent: true }],
      })
      .catch(ignoreConflict)
  }
  const value = (await storage.get(META, first.name))?.value
  return isRecord(value) ? value : {}
}

/** Another process was quicker: its row counts. */
function ignoreConflict(error: unknown): void {
  if (!(error instanceof StorageConflictError)) throw error
}

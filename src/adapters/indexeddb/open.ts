import { openDB, unwrap } from 'idb'
import type { StoreSchema } from '../../core/ports.ts'
import { StorageBlockedError, ValidationError } from '../../core/errors.ts'
import { nameOf, unavailable } from './failures.ts'
import { checkStores, upgradeStores } from './schema.ts'
import { newerError } from '../store-version.ts'

export interface DatabaseOptions {
  readonly name: string
  readonly blockedTimeoutMs: number
}

/** Opens the database and brings it to the schema. `onGone` is called when the connection ends without our asking. */
export async function openDatabase(options: DatabaseOptions, schema: StoreSchema, onGone: () => void): Promise<IDBDatabase> {
  if (!Number.isSafeInteger(schema.version) || schema.version < 1) {
    throw new ValidationError('schema.version', `must be a whole number from 1 on, not ${schema.version}.`)
  }
  if (!('indexedDB' in globalThis)) throw unavailable('There is no IndexedDB here.', undefined)
  const db = await request(options, schema, onGone)
  try {
    checkStores(db, schema)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

async function request(options: DatabaseOptions, schema: StoreSchema, onGone: () => void): Promise<IDBDatabase> {
  const patience = startPatience(options)
  const opening = ask(options.name, schema, patience.end, onGone)
  try {
    return await Promise.race([opening, patience.runsOut])
  } catch (error) {
    // The request can't be taken back: if it succeeds after all, nobody needs its connection.
    void opening.then(
      (db) => db.close(),
      () => {},
    )
    throw await explain(options.name, schema.version, error)
  } finally {
    patience.end()
  }
}

/** Asynchronous, so that a browser that throws at once fails like one that says no later. */
async function ask(name: string, schema: StoreSchema, begun: () => void, onGone: () => void): Promise<IDBDatabase> {
  const db = await openDB(name, schema.version, {
    upgrade: (opened, _from, _to, transaction) => {
      begun()
      // Where it is given up the request fails, which is enough.
      transaction.done.catch(() => {})
      upgradeStores(unwrap(opened), unwrap(transaction), schema)
    },
    // Whoever wants to upgrade or delete the database never waits for us; our running transactions still finish.
    blocking: (_from, _to, event) => {
      if (event.target instanceof IDBDatabase) event.target.close()
      onGone()
    },
    terminated: onGone,
  })
  return unwrap(db)
}

/** A blocked request waits for ever, and one queued behind it is not even told so; hence a limit instead of the `blocked` event. */
function startPatience({ name, blockedTimeoutMs }: DatabaseOptions): { readonly runsOut: Promise<never>; end(): void } {
  let end = (): void => {}
  const runsOut = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => {
      reject(
        new StorageBlockedError(
          `Another tab keeps an older version of the database "${name}" open (waited ${blockedTimeoutMs} ms). Close or reload the other tabs of this application.`,
        ),
      )
    }
    const timer = setTimeout(giveUp, blockedTimeoutMs)
    end = () => clearTimeout(timer)
  })
  return { runsOut, end: () => end() }
}

async function explain(name: string, known: number, error: unknown): Promise<unknown> {
  if (nameOf(error) !== 'VersionError') return error
  const found = await versionOf(name)
  return found > known ? newerError(found, known) : error
}

/** The version of an existing database; 0 if there is none, which is left so. */
async function versionOf(name: string): Promise<number> {
  try {
    const db = await openDB(name, undefined, {
      upgrade: (_db, _from, _to, transaction) => {
        transaction.done.catch(() => {})
        transaction.abort()
      },
    })
    const { version } = db
    db.close()
    return version
  } catch {
    return 0
  }
}

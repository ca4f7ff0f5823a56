import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { StorageError } from '../core/errors.ts'
import type { Storage } from '../core/ports.ts'
import { isRecord, LEASE, META, OPERATIONS, readLease, STORE_SCHEMA, type LeaseRow } from '../core/schema.ts'
import { openDriver } from '../adapters/sqlite/driver.ts'
import { openError } from '../adapters/sqlite/errors.ts'
import { sqliteStorage } from '../adapters/sqlite/index.ts'
import { UsageError } from './errors.ts'

type Content = 'nothing' | 'store' | 'older' | 'other'

/** The first bytes of every SQLite file that is not empty, https://sqlite.org/fileformat.html */
const MAGIC = Buffer.from('SQLite format 3\0')

/** Looks at a store that exists, without an engine: nobody's lease is touched. */
export async function withStore<T>(path: string, work: (storage: Storage) => Promise<T>): Promise<T> {
  if (!existsSync(path)) throw new UsageError(`${path} does not exist. Name the SQLite file of a store.`)
  const content = await contentOf(path)
  if (content === 'older')
    throw new UsageError(
      `${path} is a store of an older synchart, which could not open it any more once this one has. Use the command of the synchart that the application has, or start its new release first; nothing was touched.`,
    )
  if (content !== 'store')
    throw new UsageError(`${path} is not a store of synchart. Name the SQLite file of a store; nothing was touched.`)
  const storage = sqliteStorage({ path })
  await storage.open(STORE_SCHEMA)
  try {
    return await work(storage)
  } finally {
    await storage.close()
  }
}

/** Refuses a database that belongs to something else, before an engine lays its tables into it. */
export async function checkStorePath(path: string): Promise<void> {
  if (existsSync(path) && (await contentOf(path)) === 'other')
    throw new UsageError(`${path} is a database of something else. Choose another --store; nothing was touched.`)
}

async function contentOf(path: string): Promise<Content> {
  if (!(await isDatabase(path)))
    throw new UsageError(`${path} is not an SQLite database. Name the SQLite file of a store; nothing was touched.`)
  try {
    const driver = await openDriver(resolve(path))
    try {
      driver.exec('PRAGMA busy_timeout = 5000')
      const names = driver
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .rows([])
        .map(([name]) => name)
      if (names.length === 0) return 'nothing'
      const version = Number(driver.prepare('PRAGMA user_version').row([])?.[0])
      if (version === 0 || !names.includes(OPERATIONS) || !names.includes(META)) return 'other'
      return version < STORE_SCHEMA.version ? 'older' : 'store'
    } finally {
      await driver.close()
    }
  } catch (error) {
    throw error instanceof StorageError ? error : openError(error, path)
  }
}

/** What can't be read is left to SQLite, which tells why. */
async function isDatabase(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return true
  try {
    if (!(await file.stat()).isFile()) return true
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0)
    return bytesRead === 0 || buffer.equals(MAGIC)
  } finally {
    await file.close()
  }
}

export interface LeaseInfo {
  /** Who holds the lease, and whether that can be told to be gone. */
  readonly state: 'free' | 'held' | 'gone'
  readonly epoch: number
  readonly owner?: string
  readonly process?: { readonly pid: number; readonly host: string }
}

export async function leaseOf(storage: Storage): Promise<LeaseInfo> {
  const lease = readLease(await storage.get(META, LEASE))
  if (lease === undefined || lease.owner === '') return { state: 'free', epoch: lease?.epoch ?? 0 }
  const process = processOf(lease)
  return {
    state: (await isGone(storage, lease)) ? 'gone' : 'held',
    epoch: lease.epoch,
    owner: lease.owner,
    ...(process === undefined ? {} : { process }),
  }
}

async function isGone(storage: Storage, { holder }: LeaseRow): Promise<boolean> {
  if (holder === undefined || storage.presence === undefined) return false
  const stop = new AbortController()
  const gone = storage.presence.whenGone(holder, stop.signal).then(() => true)
  const answer = await Promise.race([gone, turn(false)])
  stop.abort()
  return answer
}

function processOf({ holder }: LeaseRow): { pid: number; host: string } | undefined {
  const value = holder === undefined ? undefined : parsed(holder)
  if (!isRecord(value) || typeof value['pid'] !== 'number' || typeof value['host'] !== 'string') return undefined
  return { pid: value['pid'], host: value['host'] }
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

export function describeLease({ state, epoch, owner, process }: LeaseInfo): string {
  if (state === 'free') return `free (epoch ${epoch})`
  const who = process === undefined ? `engine ${owner ?? '?'}` : `process ${process.pid} on ${process.host}`
  return state === 'gone'
    ? `left by ${who}, which is gone; the next engine takes it over (epoch ${epoch})`
    : `held by ${who} (epoch ${epoch})`
}

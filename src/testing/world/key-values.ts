import type { KeyValueStore } from '../../adapters/localforage/forage.ts'
import { StorageUnavailableError } from '../../core/errors.ts'
import type { Tear } from './device-store.ts'
import { never } from './life.ts'
import type { StorageSurroundings } from './storage.ts'

/** Keys and values on the disk of one device, each written alone. */
export interface KeyValues {
  /** As JSON. */
  readonly values: Map<string, string>
  /** What has been written since it was last looked at. */
  readonly touched: Set<string>
  tear: Tear | undefined
}

export const HEAD = '~head'

/** One process's way to them: each call takes effect alone, after a time of its own, and never if the process dies before. */
export function keyValuesOf(disk: KeyValues, around: StorageSurroundings): KeyValueStore {
  const { scheduler, life, tab } = around

  function perform<T>(port: string, kind: 'read' | 'write', work: () => T, key?: string): Promise<T> {
    if (!life.reaches(port)) return never()
    return new Promise((resolve, reject) => {
      scheduler.after(around.latencyMs(), () => {
        if (!life.isAlive()) return
        const answer = outcomeOf(kind, work, key)
        if (life.reaches(port)) life.enter(() => ('error' in answer ? reject(answer.error) : resolve(answer.value)))
      })
    })
  }

  function outcomeOf<T>(kind: 'read' | 'write', work: () => T, key: string | undefined): { value: T } | { error: unknown } {
    const fault = around.fault(kind)
    if (fault !== undefined) return { error: fault }
    if (kind === 'write' && key !== HEAD && isTorn()) {
      if (life.isAlive()) return { error: new StorageUnavailableError('The disk failed in the midst of a commit.') }
      return { error: undefined }
    }
    return { value: work() }
  }

  /** Counts the writes of rows: each is a part of some commit. */
  function isTorn(): boolean {
    const { tear } = disk
    if (tear === undefined) return false
    disk.tear = { ...tear, at: tear.at - 1 }
    if (tear.at > 1) return false
    disk.tear = undefined
    tear.torn(tab)
    if (!tear.fails) life.kill()
    return true
  }

  function write(key: string, value: unknown): void {
    disk.touched.add(key)
    if (value === undefined) disk.values.delete(key)
    else disk.values.set(key, JSON.stringify(value))
    if (key !== HEAD) return
    for (const [changed] of redoIn(value)) disk.touched.add(changed)
  }

  return {
    lagging: false,
    get: (key) => perform('get value', 'read', () => read(disk, key) ?? null),
    set: (key, value) => perform('set value', 'write', () => write(key, value), key),
    remove: (key) => perform('remove value', 'write', () => write(key, undefined), key),
    entries: () => perform('all values', 'read', () => new Map([...disk.values.keys()].map((key) => [key, read(disk, key)]))),
  }
}

function read({ values }: KeyValues, key: string): unknown {
  const text = values.get(key)
  return text === undefined ? undefined : JSON.parse(text)
}

/** The text of a row, as whoever comes next will have it: what was begun is finished first. */
export function textAt(disk: KeyValues, key: string): string | undefined {
  const begun = redoIn(read(disk, HEAD)).find(([changed]) => changed === key)
  return textIn(begun === undefined ? read(disk, key) : begun[1])
}

function redoIn(head: unknown): readonly (readonly [string, unknown])[] {
  if (!isRecord(head) || !Array.isArray(head['redo'])) return []
  const redo: readonly unknown[] = head['redo']
  return redo.flatMap((change) =>
    Array.isArray(change) && typeof change[0] === 'string' ? [[change[0], change[1]] as const] : [],
  )
}

function textIn(record: unknown): string | undefined {
  return isRecord(record) && typeof record['text'] === 'string' ? record['text'] : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { randomUUID } from 'node:crypto'
import { DEFAULTS } from '../core/options.ts'
import { visibleText } from '../core/visible-text.ts'
import { checkStore } from '../engine/integrity/check.ts'
import type { CheckResult, Problem } from '../engine/integrity/types.ts'
import { fenceOf } from '../engine/fence.ts'
import { createStore } from '../engine/store.ts'
import { grouped, printJson, table, type Io } from './io.ts'
import { describeLease, leaseOf, withStore, type LeaseInfo } from './store-file.ts'

/**
 * Looks at every row of a store, and repairs it if so asked. What only the owner of the lease writes is repaired while nobody holds it; whoever takes it
 * meanwhile keeps these repairs out. Returns the exit code: 0 if the store is sound, 1 if problems are left.
 */
export async function check(
  file: string,
  { json, repair }: { readonly json: boolean; readonly repair: boolean },
  io: Io,
): Promise<number> {
  const { lease, result } = await withStore(file, async (storage) => {
    const found = await leaseOf(storage)
    return { lease: found, result: await checkStore(siteOf(createStore(storage), found), { repair }, () => performance.now()) }
  })
  if (json) printJson(io, { store: file, lease, ...result })
  else io.out(textOf(file, lease, result, repair))
  return result.isSound ? 0 : 1
}

function siteOf(store: ReturnType<typeof createStore>, lease: LeaseInfo): Parameters<typeof checkStore>[0] {
  return {
    store,
    user: undefined,
    server: undefined,
    declared: { entities: {}, invariants: {} },
    ageingMs: DEFAULTS.ageingMs,
    now: () => Date.now(),
    asOwner: async (repair) =>
      lease.state === 'held' ? false : repair(fenceOf(lease.epoch), (await store.newestEntity()).rev + 1),
    installId: randomUUID,
    quarantined() {},
    mended() {},
    // Whoever owns the store next sees it.
    pullsForgotten() {},
  }
}

function textOf(file: string, lease: LeaseInfo, result: CheckResult, repair: boolean): string {
  const { checked, problems, total, mended, quarantined, isSound } = result
  const rows: [string, string | number][] = [
    ['store', file],
    ['lease', describeLease(lease)],
    ['operations', checked.operations],
    ['entities', checked.entities],
    ['conflicts', checked.conflicts],
    ['other rows', checked.meta],
    ['problems', total],
    ...(repair ? [['mended', mended] satisfies [string, number], ['quarantined', quarantined] satisfies [string, number]] : []),
  ]
  const listed = problems.map((problem) => `  ${lineOf(problem)}\n`).join('')
  const more = total > problems.length ? `  … and ${grouped(total - problems.length)} more.\n` : ''
  const last = isSound
    ? 'The store is sound.\n'
    : repair
      ? 'Problems are left.\n'
      : `Repair it with: synchart check ${file} --repair\n`
  return `${table(rows)}${listed === '' ? '' : `\n${listed}${more}`}\n${last}`
}

function lineOf({ code, collection, key, message, repaired }: Problem): string {
  const done = repaired === 'none' ? '' : ` [${repaired}]`
  return visibleText(`${code} ${collection} ${key}: ${message}${done}`)
}

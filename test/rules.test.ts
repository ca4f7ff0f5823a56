import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { check, readRepository, ruleNames } from './support/rules/index.ts'

const files = readRepository(fileURLToPath(new URL('..', import.meta.url)))

const todo = ['TO', 'DO'].join('')
const fixme = ['FIX', 'ME'].join('')
const expectError = ['@ts', 'expect-error'].join('-')
const ignore = ['@ts', 'ignore'].join('-')
const besides = ['..', '..', 'shared'].join('/')
const registry = ['https', '//registry.example/x.tgz'].join(':')

/** An offending file for each rule: [rule, path, text]. What would offend in this very file is pieced together. */
const offences: readonly (readonly [string, string, string])[] = [
  ['oneWay', 'src/core/a.ts', `import { setup } from 'xstate'`],
  ['oneWay', 'src/core/a.ts', `import type { Observable } from 'rxjs'`],
  ['oneWay', 'src/core/a.ts', `import { open } from '../engine/open.ts'`],
  ['oneWay', 'src/core/a.ts', `import { randomUUID } from 'node:crypto'`],
  ['oneWay', 'src/core/a.ts', `type Actor = import('xstate').AnyActor`],
  ['oneWay', 'machines/a.ts', `import { map } from 'rxjs'`],
  ['oneWay', 'machines/a.ts', `import { outbox } from '../src/engine/outbox.ts'`],
  ['oneWay', 'machines/a.ts', `export * from '../src/adapters/memory.ts'`],
  ['oneWay', 'src/testing/model/a.ts', `import { lockMachine } from '../../../machines/lock.ts'`],
  ['oneWay', 'src/testing/model/a.ts', `import { inspect } from 'node:util'`],
  ['oneWay', 'src/engine/a.ts', `import axios from 'axios'`],
  ['oneWay', 'src/engine/a.ts', `import { useState } from 'react'`],
  ['oneWay', 'src/engine/a.ts', `const { memoryStorage } = await import('../adapters/memory.ts')`],
  ['shippedOnly', 'src/adapters/a.ts', `import { world } from '../../test/support/world.ts'`],
  ['shippedOnly', 'src/server/a.ts', `import { createSyncEngine } from 'synchart'`],
  ['oneWay', 'src/testing/a.ts', `import { startServer } from '../server/index.ts'`],
  ['oneWay', 'src/testing/a.ts', `import fc from 'fast-check'`],
  ['testingApart', 'src/adapters/a.ts', `import { createScheduler } from '../testing/world/scheduler.ts'`],
  ['leanIndex', 'src/index.ts', `export { memoryStorage } from './adapters/memory.ts'`],
  ['leanIndex', 'src/index.ts', `import { serve } from './server/index.ts'\nexport { serve }`],
  ['leanIndex', 'src/index.ts', `export * from './testing/index.ts'`],
  ['withExtension', 'src/core/a.ts', `import { json } from './json.js'`],
  ['withExtension', 'test/a.test.ts', `import { json } from '../src/core/json'`],
  ['insideRepository', 'test/a.test.ts', `import { helper } from '../../elsewhere/helper.ts'`],
  ['portsOnly', 'src/engine/a.ts', `const now = Date.now()`],
  ['portsOnly', 'src/engine/a.ts', `const options = { now: globalThis.Date.now }`],
  ['portsOnly', 'src/engine/a.ts', `const now = Date['now']()`],
  ['portsOnly', 'src/core/a.ts', `const today = new Date()`],
  ['portsOnly', 'machines/a.ts', `const jitter = Math.random()`],
  ['portsOnly', 'src/engine/a.ts', `setTimeout(() => {}, 10)`],
  ['portsOnly', 'src/engine/a.ts', `const schedule = setInterval`],
  ['portsOnly', 'src/engine/a.ts', `window.setTimeout(() => {}, 10)`],
  ['portsOnly', 'src/engine/a.ts', `const signal = AbortSignal.timeout(10)`],
  ['portsOnly', 'src/engine/a.ts', `const id = crypto.randomUUID()`],
  ['portsOnly', 'src/engine/a.ts', `const started = performance.now()`],
  ['portsOnly', 'src/engine/a.ts', `console.warn('hm')`],
  ['portsOnly', 'src/engine/a.ts', `import { debounceTime } from 'rxjs'`],
  ['portsOnly', 'src/devtools/a.ts', `import { setTimeout as sleep } from 'node:timers/promises'`],
  ['noAny', 'src/core/a.ts', `const value = JSON.parse('1') as any`],
  ['noAny', 'src/core/a.ts', `export function take(value: any[]): void {}`],
  ['noAny', 'src/core/a.ts', `const value = text as unknown as number`],
  ['noSilencedCompiler', 'test/a.test.ts', `// ${ignore}\nconst a: string = 1`],
  ['noSilencedCompiler', 'src/core/a.ts', `// ${expectError} wrong\nconst a: string = 1`],
  ['nothingLeftOver', 'src/core/a.ts', `// ${todo}: later`],
  ['nothingLeftOver', 'scripts/a.mjs', `/* ${fixme} */`],
  ['everyTestRuns', 'test/a.test.ts', `it.only('S1 holds', () => {})`],
  ['everyTestRuns', 'test/a.test.ts', `describe.skip('S1', () => {})`],
  ['everyTestRuns', 'test/a.test.ts', `test.todo('S1 holds')`],
  ['everyTestRuns', 'test/a.test.ts', `it.concurrent.skip('S1 holds', () => {})`],
  ['everyTestRuns', 'test/a.test.ts', `xit('S1 holds', () => {})`],
  ['shortFile', 'machines/a.ts', '// line\n'.repeat(301)],
  ['shortFile', 'src/engine/a.ts', '// line\n'.repeat(301)],
  ['noMachinePaths', 'README.md', ['see ', 'work', 'notes.md'].join('/')],
  ['noMachinePaths', 'src/cli/a.ts', `const path = '${['', 'home', 'me', 'notes.db'].join('/')}'`],
  ['noMachinePaths', 'docs/a.md', ['C:', 'Users', 'me'].join('\\')],
  ['nothingBesides', 'docs/a.md', `see ${besides}/notes.md`],
  ['lockWithoutHosts', 'package-lock.json', `{ "resolved": "${registry}" }`],
]

/** What looks like an offence and is none: [path, text]. */
const innocents: readonly (readonly [string, string])[] = [
  ['src/core/a.ts', `import { isObject } from './own.ts'\nimport type { Json } from './json.ts'`],
  ['machines/a.ts', `import { setup } from 'xstate'\nimport { SyncError } from '../src/core/errors.ts'`],
  ['src/testing/model/a.ts', `import { getAdjacencyMap } from 'xstate/graph'\nimport { SyncError } from '../../core/errors.ts'`],
  ['src/engine/a.ts', `import { Subject } from 'rxjs'\nimport { lock } from '../../machines/lock.ts'`],
  ['src/adapters/a.ts', `import axios from 'axios'\nexport const now = () => Date.now()\nsetTimeout(now, 1)`],
  [
    'src/index.ts',
    `import { systemClock } from './adapters/system.ts'\nexport { createSyncEngine } from './engine/create-engine.ts'\nsystemClock.now()`,
  ],
  [
    'src/engine/a.ts',
    `// Date.now() and setTimeout are for adapters\nconst text = 'Math.random()'\nconst day = new Date(0)\nclock.setTimeout(text)`,
  ],
  [
    'src/engine/a.ts',
    `interface Timers { setTimeout(): void }\nqueueMicrotask(() => {})\ntype Handle = ReturnType<typeof setTimeout>`,
  ],
  ['src/core/a.ts', `const many = 'any'\nconst value: unknown = many as unknown`],
  ['test/a.test.ts', `// ${expectError} a number is no string\nconst a: string = 1\nlist.only('a')\nexpect.soft(it)`],
  ['src/testing/a.ts', `import { systemClock } from '../adapters/system-clock.ts'\nimport { createActor } from 'xstate'`],
  ['docs/a.md', 'see https://example.org/home/me and ./shared/notes.md'],
  ['src/adapters/sqlite/a.ts', `import { keys } from '../shared/keys.ts'`],
]

describe('the house rules', () => {
  it.each(offences)('%s is broken by %s: %s', (rule, path, text) => {
    expect(check({ path, text })).toContainEqual(expect.stringContaining(` ${rule}: `))
  })

  it.each(innocents)('nothing is broken by %s: %s', (path, text) => {
    expect(check({ path, text })).toEqual([])
  })

  it('have an offence above for each rule', () => {
    expect([...new Set(offences.map(([rule]) => rule))].toSorted()).toEqual(ruleNames.toSorted())
  })

  it('are kept by every file of the repository', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(files.flatMap(check)).toEqual([])
  })
})

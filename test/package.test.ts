import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { node, npm } from './support/npm.ts'

const repository = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(repository, 'node_modules/typescript/bin/tsc')
const manifest: { exports: Record<string, unknown>; devDependencies: Record<string, string> } = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
)

/** Optional: whoever imports the subpath that needs it installs it. */
const peers = ['@opentelemetry/api', 'react', '@types/react'].map((name) => `${name}@${manifest.devDependencies[name]}`)

const specifiers = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([subpath]) => subpath.replace(/^\./, 'synchart'))

/** No name of the package may have the type `any`, which is what a user sees where a declaration can't be resolved. */
const everyName = `
type IsAny<T> = 0 extends 1 & T ? true : false
type Untyped<M> = { [K in keyof M]: IsAny<M[K]> extends true ? K : never }[keyof M]
${specifiers.map((specifier, index) => `import * as m${index} from '${specifier}'`).join('\n')}
${specifiers.map((_, index) => `export const none${index}: [Untyped<typeof m${index}>] extends [never] ? true : Untyped<typeof m${index}> = true`).join('\n')}
`

const application = `
import { createSyncEngine, SyncError } from 'synchart'
import { memoryStorage } from 'synchart/storage/memory'
import { httpTransport } from 'synchart/transport/http'

const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: 'http://127.0.0.1:4000', timeoutMs: 30_000 }),
  entities: { note: { conflict: 'merge' } },
  user: 'u1',
  retry: { baseMs: 500 },
})
await engine.start()
const operation = await engine.enqueue({ type: 'update', entity: 'note', id: 'n1', payload: { title: 'Hi' } })
const { status } = await operation.settled
export const done: boolean = status === 'done'
export const retryable = (error: unknown): boolean => error instanceof SyncError && error.retryable
await engine.stop()
// @ts-expect-error an operation is about an entity
await engine.enqueue({ type: 'update', id: 'n1', payload: {} })
// @ts-expect-error there is no such strategy
createSyncEngine({ storage: memoryStorage(), transport: httpTransport({ baseURL: '' }), entities: { note: { conflict: 'coin' } } })
`

const applicationTests = `
import { createSyncEngine } from 'synchart'
import { memoryStorage } from 'synchart/storage/memory'
import { createSimulatedNetwork, createSimulatedServer, createSimulatedTime, gaps, pathTitle, testModel, type FaultScript } from 'synchart/testing'
import { setup } from 'xstate'

const time = createSimulatedTime({ seed: 7 })
const server = createSimulatedServer()
const loseFirst: FaultScript = ({ attempt }) => (attempt === 1 ? { type: 'response-lost' } : undefined)
const network = createSimulatedNetwork({ time, wire: server.wire, faults: loseFirst })
const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: network.transport({ baseURL: server.baseURL }),
  entities: { note: {} },
  ports: { ...time.ports, connectivity: network.connectivity },
})
await time.runUntil(engine.start())
const operation = await time.runUntil(engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: {} }))
const { status } = await time.runUntil(operation.settled)
console.log(status, server.effects().length, network.log().length)
await time.runUntil(engine.stop())

const door = setup({ types: { events: {} as { type: 'OPEN' } | { type: 'SHUT'; hard: boolean } } }).createMachine({
  id: 'door',
  initial: 'shut',
  states: { shut: { on: { OPEN: 'open' } }, open: { on: { SHUT: 'shut' } } },
})
const events = { OPEN: [{ type: 'OPEN' }], SHUT: [{ type: 'SHUT', hard: true }] } as const
const model = testModel(door, { inputs: [undefined], events })
console.log(gaps(model.coverage).length, model.paths.map((path) => pathTitle(model, path)).join())
// @ts-expect-error an event of the machine is left out
testModel(door, { inputs: [undefined], events: { OPEN: [{ type: 'OPEN' }] } })
// @ts-expect-error there is no such fault
network.setFaults(() => ({ type: 'sabotage' }))
`

const compilerOptions = {
  target: 'ES2023',
  lib: ['ES2023', 'DOM', 'DOM.Iterable'],
  types: [],
  strict: true,
  noEmit: true,
  // The declarations of some libraries that synchart depends on need it.
  skipLibCheck: true,
}

describe('E11 the packed package, installed in an empty project', () => {
  let project = ''

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'synchart-consumer-'))
    await npm(repository, 'pack', '--ignore-scripts', '--pack-destination', project)
    const tarball = (await readdir(project)).find((name) => name.endsWith('.tgz')) ?? ''
    await writeFile(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
    await npm(project, 'install', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`, ...peers)
    await writeFile(join(project, 'every-name.ts'), everyName)
    await writeFile(join(project, 'application.ts'), application)
    await writeFile(join(project, 'application-tests.ts'), applicationTests)
  }, 120_000)

  afterAll(() => rm(project, { recursive: true, force: true }))

  it.each(specifiers)('E11 %s can be imported in Node, and lets the process end', async (specifier) => {
    const names = await node(
      project,
      '--input-type=module',
      '--eval',
      `console.log(Object.keys(await import('${specifier}')).length)`,
    )
    expect(Number(names)).toBeGreaterThan(0)
  })

  it.each([
    { moduleResolution: 'bundler', module: 'esnext' },
    { moduleResolution: 'nodenext', module: 'nodenext' },
  ])('E11 its types serve an application under moduleResolution $moduleResolution', async (resolution) => {
    const config = join(project, `tsconfig.${resolution.module}.json`)
    await writeFile(config, JSON.stringify({ compilerOptions: { ...compilerOptions, ...resolution }, include: ['*.ts'] }))
    expect(await node(project, tsc, '-p', config)).toBe('')
  })

  it('E11 keeps to itself what is not part of it', async () => {
    await expect(
      node(project, '--input-type=module', '--eval', `await import('synchart/dist/src/core/rows.js')`),
    ).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

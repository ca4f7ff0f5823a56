import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { createSyncEngine } from '../src/index.ts'
import { memoryDisk, memoryStorage } from '../src/adapters/memory.ts'
import { createSimulatedServer, createSimulatedNetwork } from '../src/testing/index.ts'
import { entitiesIn } from './support/examples.ts'

const guide = await readFile(new URL('../docs/guide.md', import.meta.url), 'utf8')
const example = /## A new shape of your data\n[\s\S]*?```js\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''

it('S27 the migrations of the guide bring what the first release has stored to its third', async () => {
  const disk = memoryDisk()
  const server = createSimulatedServer()
  const transport = createSimulatedNetwork({ wire: server.wire }).transport({ baseURL: server.baseURL })
  const first = createSyncEngine({ storage: memoryStorage({ disk }), transport, entities: { note: {} } })
  await first.start()
  first.pause('test')
  await first.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: 'Hi' } })
  await first.enqueue({ type: 'update', entity: 'note', id: 'n2', payload: { title: 'Ho' } })
  await first.stop()
  const third = createSyncEngine({ storage: memoryStorage({ disk }), transport, entities: await entitiesIn(example) })
  await third.start()
  expect((await third.operations.list()).map(({ payload }) => payload)).toEqual([{ tags: [], name: 'Hi' }, { name: 'Ho' }])
  await third.stop()
})

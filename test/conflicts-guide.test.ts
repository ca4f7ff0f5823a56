import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SyncEngine } from '../src/index.ts'
import { bothChange, patch } from './support/conflicts.ts'
import { entitiesIn } from './support/examples.ts'
import { createWorld, type World } from './support/world.ts'

const root = new URL('..', import.meta.url).pathname
const guide = await readFile(join(root, 'docs/conflicts.md'), 'utf8')
const examples = [...guide.matchAll(/```js\n([\s\S]*?)\n\/\/ → (.*)\n```/g)].map(([, code = '', result = '']) => ({
  code,
  result,
}))

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

/** Ended, or left to a person. */
function comesToRest(engine: SyncEngine, settled: Promise<unknown>): Promise<unknown> {
  return Promise.race([settled, new Promise<void>((resolve) => engine.on('sync:parked', () => resolve()))])
}

describe('the guide on conflicts', () => {
  it('B18 has an example for each thing that it explains', () => {
    expect(examples.length).toBe(guide.split('```js').length - 1)
    expect(examples.length).toBeGreaterThan(5)
  })

  it.each(examples)('B18 comes to what it says: $code', async ({ code, result }) => {
    const engine = await world.started({ entities: await entitiesIn(code) })
    const operation = await bothChange(world, engine, {
      base: { title: 'Shopping', tags: ['home'], body: 'milk\n\nbread\n' },
      theirs: { title: 'Shopping today', tags: ['home', 'urgent'], body: 'milk\n\nrye bread\n' },
      ours: patch({ title: 'Groceries', tags: ['home', 'food'], body: 'oat milk\n\nbread\n', done: true }),
    })
    await comesToRest(engine, operation.settled)
    expect(world.notes()['a']).toEqual({ id: 'a', ...JSON.parse(result) })
  })
})

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { entitiesIn } from './support/examples.ts'
import { createWorld, type World } from './support/world.ts'

const root = new URL('..', import.meta.url).pathname
const guide = await readFile(join(root, 'docs/guide.md'), 'utf8')
const example = /## Schemas\n[\s\S]*?```js\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory' })
})
afterEach(() => world.close())

it('B16 the schemas of the guide refuse what it says, in its words', async () => {
  const engine = await world.started({ entities: await entitiesIn(example) })
  const wrong = engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: 5 } })
  const issues = [{ path: 'payload.title', message: 'Invalid input: expected string, received number' }]
  await expect(wrong).rejects.toMatchObject({ code: 'invalid', issues })
  expect(guide).toContain(`// [{ path: '${issues[0]!.path}', message: '${issues[0]!.message}' }]`)
  const published = engine.enqueue({ type: 'publish', entity: 'note', id: 'n1', payload: { to: 'nobody' } })
  await expect(published).rejects.toMatchObject({ issues: [{ path: 'payload.to' }] })
  await (
    await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: 'one', due: '2026-01-31' } })
  ).settled
  expect(world.notes()['n1']).toMatchObject({ title: 'one' })
})

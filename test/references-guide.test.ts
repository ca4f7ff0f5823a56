import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { entitiesIn } from './support/examples.ts'
import { createWorld, type World } from './support/world.ts'

const root = new URL('..', import.meta.url).pathname
const guide = await readFile(join(root, 'docs/guide.md'), 'utf8')
const section = /## References and ids\n([\s\S]*?)\n## /.exec(guide)?.[1] ?? ''
const [references = '', , ids = '', calls = ''] = [...section.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code ?? '')

let world: World
beforeEach(async () => {
  world = await createWorld({ store: 'memory', server: { assignedIds: ['note'] } })
})
afterEach(() => world.close())

it('B8 the references of the guide make a comment wait for its note', async () => {
  const engine = await world.started({ entities: await entitiesIn(references) })
  engine.pause('test')
  const note = await engine.enqueue({ type: 'create', entity: 'note', id: 'n1', payload: { title: 'Hello' } })
  const comment = await engine.enqueue({ type: 'create', entity: 'comment', id: 'c1', payload: { noteId: 'n1' } })
  expect((await engine.operations.get(comment.id))?.dependsOn).toEqual([note.id])
})

it('B8 the ids of the server take the place of the temporary ones, as the guide has it', async () => {
  const engine = await world.started({ entities: await entitiesIn(ids) })
  const told: unknown[] = []
  const run: unknown = await import(
    `data:text/javascript,${encodeURIComponent(`export default async (engine, console) => {${calls}}`)}`
  )
  const example = run as { default: (one: typeof engine, console: { log: (id: unknown) => void }) => Promise<void> }
  await example.default(engine, { log: (id) => void told.push(id) })
  expect(told).toEqual(['note-1'])
  await engine.flush()
  expect(world.server.state('comment')).toMatchObject([{ noteId: 'note-1' }])
  expect(world.server.state('note')).toMatchObject([{ id: 'note-1', title: 'Hello, world' }])
})

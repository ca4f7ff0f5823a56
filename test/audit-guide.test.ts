import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AUDIT_DEFAULTS } from '../src/core/audit-options.ts'
import { created, patch } from './support/conflicts.ts'
import { entitiesIn } from './support/examples.ts'
import { createWorld, type World } from './support/world.ts'

const root = new URL('..', import.meta.url).pathname
const guide = await readFile(join(root, 'docs/guide.md'), 'utf8')
const section = /## Audit\n([\s\S]*?)\n## /.exec(guide)?.[1] ?? ''
const [options = '', listing = ''] = [...section.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code = '']) => code)

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.close())

it('C7 the audit of the guide tells what it says there, and keeps as much', async () => {
  const entities = await entitiesIn(`${options}\nconst { entities } = options`)
  const engine = await world.started({ audit: {}, entities })
  await created(engine, { title: 'Hello', password: 'secret', address: { street: 'secret', city: 'B' } })
  await (
    await engine.enqueue(patch({ title: 'Hello, world' }))
  ).settled
  const { entries, next } = await engine.audit.list({ entity: 'note', id: 'a', limit: 20 })
  expect(next).toBeUndefined()
  expect(JSON.stringify(entries)).not.toContain('secret')
  const [{ by, action, outcome, changes }] = entries as [(typeof entries)[number]]
  const [change] = changes
  expect([by, action, outcome, changes]).toEqual([
    'engine',
    'ended',
    'done',
    [{ path: 'title', from: 'Hello', to: 'Hello, world' }],
  ])
  expect(listing).toContain(
    `// by ${by}: ${action}, ${outcome}, [{ path: '${change!.path}', from: 'Hello', to: 'Hello, world' }]`,
  )
  expect(AUDIT_DEFAULTS).toEqual({ keepMs: 90 * 86_400_000, keepCount: 100_000 })
  expect(section).toContain('`keepCount` (100,000')
  expect(section).toContain('`keepMs` (90 days)')
})

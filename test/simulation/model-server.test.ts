import { describe, expect, it } from 'vitest'
import { createModelServer } from '../../src/testing/world/model-server.ts'

describe("the simulation's server", () => {
  it('F4 has taken back what the backup that it runs on does not have, and no more, whichever it ran on before', () => {
    const server = createModelServer({ anonymous: 'u1' })
    const write = (id: string): void => {
      server.handle({ method: 'PUT', path: `/note/${id}`, headers: { 'Idempotency-Key': `"${id}"` }, body: '{}' })
    }
    const takenBack = (): readonly string[] => [...server.undone].map(({ id }) => id)
    write('a')
    const early = server.backUp()
    write('b')
    const late = server.backUp()
    write('c')
    server.restore(early)
    expect(takenBack()).toEqual(['b', 'c'])
    write('d')
    const afterwards = server.backUp()
    server.restore(late)
    expect(takenBack()).toEqual(['c', 'd'])
    expect([...server.all().keys()]).toEqual(['/note/a', '/note/b'])
    server.restore(afterwards)
    expect(takenBack()).toEqual(['b', 'c'])
  })
})

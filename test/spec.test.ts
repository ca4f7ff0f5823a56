import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url)
const spec = await readFile(new URL('machines/SPEC.md', root), 'utf8')
const rows = [...spec.matchAll(/^\| ([SL]\d+) \| .* \| (.*) \|$/gm)].map(([, id, cell]) => ({
  id: id ?? '',
  files: [...(cell ?? '').matchAll(/`(test\/[^`]+)`/g)].map((match) => match[1] ?? ''),
}))

/** True if a test title in the text speaks of the invariant. */
function proves(text: string, id: string): boolean {
  return new RegExp(`\\b(it|describe)\\b[^\\n]*\\n?[^\\n]*\\b${id}\\b`).test(text)
}

describe('SPEC.md', () => {
  it('F1 names tests for each invariant that is reached', () => {
    expect(rows.length).toBeGreaterThan(25)
    expect(rows.filter(({ files }) => files.length === 0)).toEqual([])
  })

  it.each(rows.flatMap(({ id, files }) => files.map((file) => [id, file])))('%s is proved in %s', async (id, file) => {
    expect(proves(await readFile(new URL(file, root), 'utf8'), id)).toBe(true)
  })

  it('F1 would notice a test that speaks of something else', () => {
    expect(proves("it('S1 keeps it', () => {})", 'S10')).toBe(false)
  })
})

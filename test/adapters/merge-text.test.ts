import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { textMerge } from '../../src/adapters/merge-text.ts'
import type { Json } from '../../src/core/json.ts'

const merge = (base: Json, local: Json, remote: Json) => textMerge({ path: 'body', base, local, remote })

const line = fc.constantFrom('a', 'b', 'c', 'a b', '', ' ')
const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'))

describe('merging texts', () => {
  it('S12 takes the side that changed, and what both changed alike', () => {
    fc.assert(
      fc.property(text, text, (base, changed) => {
        expect(merge(base, changed, base)).toBe(changed)
        expect(merge(base, base, changed)).toBe(changed)
        expect(merge(base, changed, changed)).toBe(changed)
      }),
    )
  })

  it('S12 is the same whichever side is which', () => {
    fc.assert(
      fc.property(text, text, text, (base, local, remote) => {
        expect(merge(base, local, remote)).toBe(merge(base, remote, local))
      }),
    )
  })

  it('S12 keeps changes of different lines, and of different words of one line', () => {
    expect(merge('one\ntwo\nthree\n', 'ONE\ntwo\nthree\n', 'one\ntwo\nTHREE\n')).toBe('ONE\ntwo\nTHREE\n')
    expect(merge('buy milk and bread', 'buy oat milk and bread', 'buy milk and rye bread')).toBe('buy oat milk and rye bread')
  })

  it('S12 leaves the same words to the strategy of the entity, and what is no text', () => {
    expect(merge('buy milk', 'buy tea', 'buy beer')).toBeUndefined()
    expect(merge('a', 'b', 1)).toBeUndefined()
    expect(textMerge({ path: 'body', local: 'a', remote: 'b' })).toBeUndefined()
  })

  it('L9 does not compare texts of more lines than it can in a moment', () => {
    const long = 'x\n'.repeat(20_001)
    expect(merge(long, `${long}y`, `z${long}`)).toBeUndefined()
  })
})

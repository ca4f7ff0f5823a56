import { describe, expect, it } from 'vitest'
import { baseOf, withReplaced } from '../../src/core/earlier.ts'

describe('a value that was reckoned from an older version than the server has told', () => {
  const row = { key: 'u/note/a', version: '3', reckonedFrom: '1', value: { title: 'ours' }, isReckoned: true } as const

  it('S12 is what the next operation is made on, by the version that it was reckoned from', () => {
    expect(baseOf(row, 7)).toEqual({ version: '1', value: { title: 'ours' } })
    expect(baseOf({ key: row.key, version: '3', value: { title: 'ours' } }, 7)).toMatchObject({ version: '3' })
  })

  it('S12 stays what waiting operations were made on when the server’s own value of that version comes', () => {
    expect(withReplaced(row, 7, '3')).toEqual({ earlier: [{ upTo: 7, version: '1', value: { title: 'ours' } }] })
    expect(withReplaced({ key: row.key, version: '3', value: { title: 'ours' } }, 7, '3')).toEqual({})
  })
})

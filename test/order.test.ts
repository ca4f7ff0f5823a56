import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { FIRST, placeOf } from './support/order.ts'

const files = readdirSync(fileURLToPath(new URL('.', import.meta.url)), { recursive: true, encoding: 'utf8' })

it('each place in the order of the tests is that of files that there are', () => {
  const places = new Set(files.filter((file) => file.endsWith('.test.ts')).map((file) => placeOf(file.replaceAll('\\', '/'))))
  expect([...places].toSorted((a, b) => a - b)).toEqual([...FIRST.keys(), FIRST.length])
})

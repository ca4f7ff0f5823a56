import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as machines from '../../machines/index.ts'
import { findChromium } from '../../scripts/chromium.mjs'
import { generateDiagrams, machinesIn, staleIn, writeInto } from '../../visualizations/generate/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const committed = join(root, 'visualizations/diagrams')
const executablePath = findChromium()

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'synchart-diagrams-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the committed diagrams', () => {
  it('F7 are those of the code: else run `npm run diagrams`', async () => {
    expect(staleIn(committed, await generateDiagrams(machinesIn(machines)))).toEqual([])
  })

  it('F7 are of every machine', () => {
    const expected = machinesIn(machines).flatMap(({ id }) => [`${id}.mmd`, `${id}.svg`])
    expect(readdirSync(committed).toSorted()).toEqual(expected.toSorted())
  })

  it.each(['README.md', 'machines/SPEC.md', 'visualizations/README.md'])('F7 are all to be found from %s', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const missing = machinesIn(machines).filter(({ id }) => !text.includes(`diagrams/${id}.svg)`))
    expect(missing.map(({ id }) => id)).toEqual([])
  })

  it('F7 are told by name when they are stale, missing or left over', async () => {
    const diagrams = await generateDiagrams([machines.breakerMachine])
    expect(staleIn(folder, diagrams)).toEqual(['breaker.svg is missing', 'breaker.mmd is missing'])
    writeInto(folder, diagrams)
    expect(staleIn(folder, diagrams)).toEqual([])
    writeFileSync(join(folder, 'breaker.mmd'), `${readFileSync(join(folder, 'breaker.mmd'), 'utf8')} `)
    writeFileSync(join(folder, 'gone.svg'), '')
    expect(staleIn(folder, diagrams)).toEqual(['breaker.mmd is stale', 'gone.svg belongs to no machine'])
    writeInto(folder, diagrams)
    expect(staleIn(folder, diagrams)).toEqual([])
  })

  // Without a browser on the machine the test command says so, and fails in CI.
  it.runIf(executablePath !== undefined)('F7 have room for every text, as a real browser draws it', async () => {
    const browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] })
    try {
      const page = await browser.newPage()
      for (const name of readdirSync(committed).filter((file) => file.endsWith('.svg'))) {
        await page.setContent(readFileSync(join(committed, name), 'utf8'))
        const { texts, sticking } = await page.evaluate<{ texts: number; sticking: string[] }>(STICKING_OUT)
        expect({ name, sticking }).toEqual({ name, sticking: [] })
        expect(texts).toBeGreaterThan(10)
      }
    } finally {
      await browser.close()
    }
  })
})

/** Runs in the page: the texts that are wider than the box or the label that they are in. */
const STICKING_OUT = `(() => {
  const texts = [...document.querySelectorAll('svg text')]
  const sticking = texts.filter((text) => {
    const holder = text.closest('.state') ?? text.closest('.edge')
    const box = holder.querySelector(holder.matches('.state') ? 'rect' : '.chip').getBBox()
    const { x, width, y, height } = text.getBBox()
    return x < box.x || x + width > box.x + box.width || y < box.y - 1 || y + height > box.y + box.height + 1
  })
  return { texts: texts.length, sticking: sticking.map((text) => text.textContent) }
})()`

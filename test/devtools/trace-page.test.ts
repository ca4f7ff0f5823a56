import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { advance, type TracedActors } from '../../src/core/trace.ts'
import { simulate } from '../../src/testing/simulate.ts'
import { activeStates } from '../../visualizations/inspector/moment.ts'
import { readTrace } from '../../visualizations/inspector/trace-file.ts'
import { executablePath } from '../support/chromium-app.ts'
import { inspectorWorld, litAt, until, type InspectorWorld } from './inspector-world.ts'

let folder: string
let viewer: InspectorWorld | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'synchart-trace-'))
})
afterEach(async () => {
  await viewer?.close()
  viewer = undefined
  await rm(folder, { recursive: true, force: true })
})

// Without a browser on the machine the test command says so, and fails in CI.
describe.runIf(executablePath !== undefined)('the inspector of a trace', () => {
  it('F2 F3 opens that of a seed of the simulator, with every tab, and shows at any line what its lines lead to', async () => {
    const { trace } = await simulate(5, { keepsTrace: true, shape: { steps: 12 } })
    const file = join(folder, 'seed-5.ndjson')
    await writeFile(file, trace)
    viewer = await inspectorWorld(file)
    const page = await viewer.open()
    const { lines } = readTrace(trace)
    await until(page, `document.querySelector('.message-bar').innerText.includes('${lines.length.toLocaleString('en')} lines')`)
    for (let at = lines.length - 1; at > 0; at -= Math.floor(lines.length / 12)) {
      const actors: TracedActors = new Map()
      for (const line of lines.slice(0, at + 1)) advance(actors, line)
      const actor = [...actors.values()].filter(({ machine }) => machine !== undefined)[at % 5]
      if (actor?.machine === undefined) continue
      const { states, taken } = await litAt(page, at, actor.actor)
      expect({ states, taken }).toEqual({
        states: activeStates(actor.machine, actor.value).toSorted(),
        taken: [...new Set(actor.taken)].toSorted(),
      })
    }
    expect(await page.locator('.tree h3').allInnerTexts()).toContain('d1.t1')
  }, 60_000)

  it('F2 says what is wrong with a file that is none', async () => {
    viewer = await inspectorWorld()
    const page = await viewer.open()
    const file = join(folder, 'other.ndjson')
    await writeFile(file, '{"hello":1}\n')
    await page.getByLabel('Open a trace').setInputFiles(file)
    await until(page, `document.querySelector('.message-bar').innerText.includes('no trace of synchart')`)
  })
})

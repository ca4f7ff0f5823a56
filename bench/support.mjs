import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A folder for the run's stores, removed at the end. */
const folder = mkdtempSync(join(tmpdir(), 'synchart-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

let files = 0
export const newPath = () => join(folder, `store-${++files}.db`)

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

/** Runs the contenders in turn, so that a noisy moment hits all of them; returns the median of each. */
export async function interleaved(rounds, contenders) {
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) results[name].push(await run(round))
  }
  return Object.fromEntries(Object.entries(results).map(([name, values]) => [name, median(values)]))
}

/**
 * Two contenders in turn, the first one changing: the medians of each, and the median of the rounds' ratios with its quartiles, for
 * what disturbs a round disturbs both halves of it. Each gives an object of numbers.
 */
export async function paired(rounds, off, on) {
  const samples = []
  for (let round = 0; round < rounds; round++) {
    const first = await (round % 2 === 0 ? off : on)(round)
    const second = await (round % 2 === 0 ? on : off)(round)
    samples.push(round % 2 === 0 ? { off: first, on: second } : { off: second, on: first })
  }
  return (name) => {
    const ratios = samples.map((one) => one.on[name] / one.off[name]).toSorted((a, b) => a - b)
    const at = (share) => ratios[Math.round(share * (ratios.length - 1))]
    return {
      off: median(samples.map((one) => one.off[name])),
      on: median(samples.map((one) => one.on[name])),
      ratio: median(ratios),
      spread: `${at(0.25).toFixed(2)} to ${at(0.75).toFixed(2)}`,
    }
  }
}

/** Milliseconds that the work takes, and of this process's own CPU time. */
export async function measured(work) {
  let ms = 0
  const cpuMs = await cpuTimed(async () => (ms = await timed(work)))
  return { ms, cpuMs }
}

/** Milliseconds that the work takes. */
export async function timed(work) {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Milliseconds of this process's own CPU time that the work takes. */
export async function cpuTimed(work) {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

/** A server in a process of its own: `reference` (synchart/server in memory) or `plain` (answers at once), `pages` (so many changes, made before). */
export async function startServer(kind, count = 0) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('server.mjs', import.meta.url)), kind, String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const [url] = await once(lines, 'line')
  return {
    url,
    async stop() {
      child.kill()
      await once(child, 'exit')
    },
  }
}

/** A transport that applies at once, to see the engine's own cost. */
export function instantTransport() {
  const outcome = Promise.resolve({ type: 'applied', version: '1', value: { id: 'x' } })
  return {
    prepare: ({ type, entity, entityId, payload }) => ({
      method: type,
      path: `/${entity}/${entityId}`,
      headers: {},
      body: JSON.stringify(payload),
    }),
    send: () => outcome,
    sendBatch: async (items) => items.map(() => ({ type: 'applied', version: '1' })),
    fetch: async () => ({ type: 'absent' }),
  }
}

export const payload = (i) => ({
  title: `Note ${i}`,
  body: 'Sphinx of black quartz, judge my vow. '.repeat(4),
  done: i % 2 === 0,
  position: i,
  tags: ['a', 'b'],
})

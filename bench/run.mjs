#!/usr/bin/env node
// Prints the budgets, each as a ratio to its raw limit in the same run: medians of interleaved rounds.
import { benchAudit } from './audit.mjs'
import { benchCoalesce } from './coalesce.mjs'
import { benchDrain } from './drain.mjs'
import { benchEnqueue } from './enqueue.mjs'
import { benchEncryption } from './encryption.mjs'
import { benchHandover } from './handover.mjs'
import { benchInspector } from './inspector.mjs'
import { benchOverhead } from './overhead.mjs'
import { benchPull } from './pull.mjs'
import { benchRealtime } from './realtime.mjs'
import { benchRecorder } from './recorder.mjs'
import { benchScale } from './scale.mjs'
import { values } from './run.options.mjs'
import { benchView } from './view.mjs'

const { rounds, names } = values
const scale = values.quick ? 0.1 : 1
const benches = {
  enqueue: () => benchEnqueue(rounds),
  encryption: () => benchEncryption(rounds),
  drain: () => benchDrain(rounds, { operations: 10_000 * scale, batched: 20_000 * scale }),
  audit: () => benchAudit(rounds, { operations: 10_000 * scale, batched: 20_000 * scale }),
  scale: () => benchScale(rounds, { many: 1_000_000 * scale, waiting: 100_000 * scale }),
  overhead: () => benchOverhead(rounds),
  recorder: () => benchRecorder(rounds, 4_000 * scale),
  pull: () => benchPull(rounds, 100_000 * scale),
  view: () => benchView([1_000, 10_000, 100_000]),
  realtime: () => benchRealtime(500, 10_000),
  coalesce: () => benchCoalesce(values.history),
  handover: () => benchHandover(values.quick ? 20 : 100),
  inspector: () => benchInspector(values.quick ? 5 : 30, 6_000),
}

const results = []
for (const name of names) {
  if (!values.json) console.log(`\n${name}`)
  for (const result of await benches[name]()) {
    results.push(result)
    if (!values.json) print(result)
  }
}
if (values.json) console.log(JSON.stringify(results, undefined, 2))
else console.log(`\n${results.filter(isMet).length} of ${results.length} budgets met`)

function isMet({ value, limit, atLeast }) {
  return atLeast ? value >= limit : value <= limit
}

function print(result) {
  const { what, value, unit, limit, atLeast, detail } = result
  const shown = value >= 100 ? value.toFixed(0) : value.toFixed(2)
  console.log(
    `  ${isMet(result) ? '✓' : '✗'} ${what.padEnd(48)} ${shown.padStart(8)} ${unit} (${atLeast ? '≥' : '≤'} ${limit})${detail ? `  ${detail}` : ''}`,
  )
}

// Two devices edit the same entities at once, through faults, and must come to the same as the server: `npm run converge -- --seconds 60`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exit, stderr } from 'node:process'
import { startServer } from 'synchart/server'
import { createScreen, table } from '../examples/start/screen.mjs'
import { editUntil, evidenceOf, KINDS, openDevice } from './converge/device.mjs'
import { judge } from './converge/judge.mjs'
import { values } from './converge.options.mjs'
import { seededRandom } from './random.mjs'

/** So long everything may take to come to an end when nothing fails any more. */
const SETTLE_MS = 120_000

const { seconds, seed, json } = values
const startedAt = performance.now()
const folder = mkdtempSync(join(tmpdir(), 'synchart-converge-'))
const screen = createScreen(stderr)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
exit(await main())

async function main() {
  const server = await startServer({ database: join(folder, 'server.db') })
  const devices = await Promise.all([
    openDevice({ name: 'left', folder, url: server.url, seed, random: seededRandom(seed), isTold: true }),
    openDevice({ name: 'right', folder, url: server.url, seed: seed + 1, random: seededRandom(seed + 1), isTold: false }),
  ])
  const showing = setInterval(() => show(devices), 100)
  const time = AbortSignal.timeout(seconds * 1_000)
  await Promise.all(devices.map((device) => editUntil(time, device)))
  clearInterval(showing)
  screen.say('The faults end, and what is left is sent and pulled …')
  const isSettled = await inTime(settle(devices))
  if (!isSettled) for (const { name, engine } of devices) screen.say(`${name}: ${(await engine.explain()).summary}`)
  const code = isSettled ? await conclude(server, await Promise.all(devices.map(evidenceOf))) : 1
  await Promise.all(devices.map(({ engine }) => engine.stop()))
  await server.close()
  return code
}

function show(devices) {
  const text = devices.map(
    ({ name, engine, handles }) => `${name}: ${handles.length} edits, ${engine.metrics().operations.live} live`,
  )
  screen.progress((performance.now() - startedAt) / 1_000, seconds, text.join(' · '))
}

async function settle(devices) {
  for (const { network } of devices) network.setFaults(undefined)
  await Promise.all(devices.flatMap(({ handles }) => handles.map(({ operation }) => operation.settled)))
  for (const { engine } of devices) await pulled(engine)
  return true
}

async function pulled(engine) {
  for (;;) {
    const { pulled } = await engine.synchronize()
    if (pulled.every(({ isComplete }) => isComplete)) return
  }
}

function inTime(work) {
  return Promise.race([work, new Promise((resolve) => setTimeout(resolve, SETTLE_MS, false).unref())])
}

async function conclude(server, devices) {
  const ledger = server.ledger()
  const state = Object.fromEntries(Object.keys(KINDS).map((entity) => [entity, server.state(entity)]))
  const wrong = judge({ kinds: KINDS, state, ledger, devices })
  const sum = (count) => devices.reduce((total, device) => total + count(device), 0)
  const figures = {
    operations: sum(({ operations }) => operations.length),
    requests: sum(({ requests }) => requests),
    faults: sum(({ faults }) => faults),
    breakerTrips: sum(({ trips }) => trips),
    effects: ledger.length,
    ...ends(devices.flatMap(({ operations }) => operations)),
    ...conflictFigures(devices.flatMap(({ conflicts }) => conflicts)),
    entities: Object.values(state).reduce((total, { length }) => total + length, 0),
    wrong: wrong.length,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  }
  const hasAgreed = wrong.length === 0
  const verdict = hasAgreed ? 'Both devices and the server agree, and nothing was applied twice.' : 'FAILED.'
  if (json) console.log(JSON.stringify({ agreed: hasAgreed, ...figures, examples: wrong.slice(0, 20) }, null, 2))
  else console.log([...table(Object.entries(figures)), ...wrong.slice(0, 20), verdict].join('\n'))
  return hasAgreed ? 0 : 1
}

function ends(operations) {
  return Object.fromEntries(
    ['done', 'rejected', 'superseded', 'cancelled'].map((wanted) => [
      wanted,
      operations.filter(({ status }) => status === wanted).length,
    ]),
  )
}

function conflictFigures(conflicts) {
  const each = Object.entries(KINDS).map(([entity, { conflict: strategy }]) => {
    return [`conflicts ${strategy}`, conflicts.filter((conflict) => conflict.entity === entity).length]
  })
  return Object.fromEntries(each)
}

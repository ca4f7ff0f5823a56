import { setTimeout as sleep } from 'node:timers/promises'
import { sqliteStorage } from '../adapters/sqlite/index.ts'
import type { Storage } from '../core/ports.ts'
import { STORE_SCHEMA } from '../core/schema.ts'
import { createStore } from '../engine/store.ts'
import type { SyncEngine } from '../engine/types.ts'
import { admit } from './admission.ts'
import { isDrained } from './drained.ts'
import { CHUNK, feed } from './feed.ts'
import { surveyFile, type Survey } from './file-lines.ts'
import type { Io } from './io.ts'
import { createMeter, type Meter } from './meter.ts'
import { createProgress, type Progress } from './progress.ts'
import { pushEngine } from './push-engine.ts'
import type { PushOptions } from './push-options.ts'
import { createFindings, exitCodeOf, reportPush, type Findings, type PushReport, type RunFigures } from './push-report.ts'
import type { Stopper } from './stop-reason.ts'
import { checkStorePath } from './store-file.ts'
import { tally } from './tally.ts'

const LOOK_MS = 50

/** Brings a file of operations to a server. Can be killed at any instant and run again. Returns the exit code. */
export async function push(options: PushOptions, io: Io, stopper: Stopper): Promise<number> {
  const startedAt = performance.now()
  await checkStorePath(options.store)
  const survey = await surveyFile(options.file, stopper.signal)
  const progress = createProgress(io, options.progress)
  const findings = createFindings(progress)
  const storage = sqliteStorage({ path: options.store })
  const entities = options.entities ?? survey.entities
  const engine = pushEngine(options, storage, entities.length === 0 ? ['none'] : entities)
  if (!stopper.signal.aborted) await runEngine(engine, { options, storage, survey, progress, findings, stopper })
  const report: PushReport = {
    options,
    survey,
    findings,
    run: figuresOf(engine),
    stopped: stopper.reason,
    tally: await tallied(storage),
    ms: performance.now() - startedAt,
  }
  reportPush(report, io)
  return exitCodeOf(report)
}

interface Parts {
  readonly options: PushOptions
  readonly storage: Storage
  readonly survey: Survey
  readonly progress: Progress
  readonly findings: Findings
  readonly stopper: Stopper
}

async function runEngine(engine: SyncEngine, parts: Parts): Promise<void> {
  const { options, storage, survey, progress } = parts
  const keyPrefix = await admit(storage, options, survey)
  try {
    await engine.start()
    const meter = createMeter(engine, createStore(storage), options.user, survey.lines)
    try {
      await drainFile(engine, meter, keyPrefix, parts)
    } finally {
      meter.end()
      progress.end()
    }
  } finally {
    await engine.stop()
  }
}

function figuresOf(engine: SyncEngine): RunFigures {
  const { operations, requests, lock, breaker } = engine.metrics()
  return {
    accepted: operations.enqueued,
    requests,
    retries: operations.retried,
    conflicts: operations.conflicts,
    takeovers: lock.takeovers,
    breakerTrips: breaker.trips,
  }
}

/** Enqueues and, at the same time, waits until everything was sent. */
async function drainFile(engine: SyncEngine, meter: Meter, keyPrefix: string, parts: Parts): Promise<void> {
  const { options, storage, survey, progress, findings, stopper } = parts
  const { window = Infinity, user } = options
  const store = createStore(storage)
  const chunkSize = Math.min(CHUNK, Math.ceil(window / 2))
  let isFed = false
  let looks = 0

  /** What waits for a decision takes no room for ever. */
  async function room(count: number): Promise<void> {
    while (!stopper.signal.aborted && meter.state(0).live + count > window && !(await isDrained(store, user)))
      await pause(stopper)
  }

  const feeding = feed(
    engine,
    survey,
    { keyPrefix, chunkSize },
    { ...findings.hooks, room, isStopping: () => stopper.signal.aborted },
  )
    .catch((error: unknown) => stopper.stop({ type: 'store', error }))
    .finally(() => (isFed = true))
  for (;;) {
    await meter.calibrate()
    progress.show(meter.state(findings.stored))
    if (meter.engine.pauses.includes('auth')) stopper.stop({ type: 'credentials' })
    looks = isFed && (await isDrained(store, user)) ? looks + 1 : 0
    if (stopper.signal.aborted || looks === 2) break
    await pause(stopper)
  }
  await feeding
  await meter.calibrate()
  progress.show(meter.state(findings.stored))
}

async function pause({ signal }: Stopper): Promise<void> {
  await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
}

async function tallied(storage: Storage): ReturnType<typeof tally> {
  await storage.open(STORE_SCHEMA)
  try {
    return await tally(storage)
  } finally {
    await storage.close()
  }
}

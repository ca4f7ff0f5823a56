import { createSyncEngine, SyncError } from '../../dist/src/index.js'
import { transportOver } from '../../dist/src/adapters/http/transport.js'
import { systemClock } from '../../dist/src/adapters/system-clock.js'
import { createSimulatedServer } from '../../dist/src/testing/index.js'
import { textOf } from './watch.mjs'

const HANGS_MS = 30_000
const clock = systemClock

const renamed = ({ title, ...rest }) => (title === undefined ? rest : { ...rest, name: title })

/** The application: the second release, so that rows of the first are migrated. */
const ENTITIES = {
  note: { version: 2, migrations: { 2: { payload: renamed, value: renamed } } },
  task: {},
  folder: { ids: 'server' },
  page: { references: { folder: 'folder' } },
  letter: { scopes: ['to:me'], version: 2, migrations: { 2: {} } },
}

/** An engine whose requests are answered by `answerTo`, or by an honest server where that gives nothing. */
export function engineOn(storage, answerTo = () => undefined, options = {}) {
  const server = createSimulatedServer({ assignedIds: ['folder'] })
  const wire = async (request) => {
    const answer = answerTo(request)
    if (answer === undefined) return server.wire(request)
    if (answer.isLost) throw new Error('The connection broke.')
    return answer
  }
  return createSyncEngine({
    storage,
    transport: transportOver({ wire, clock }, { baseURL: server.baseURL, timeoutMs: 5_000 }),
    entities: ENTITIES,
    retry: { strategy: 'constant', baseMs: 1, capMs: 1, maxAttempts: 3 },
    breaker: { failureThreshold: 100_000 },
    authPauseMs: 1,
    lock: { heartbeatMs: 20, staleMs: 60, pollMs: 10 },
    stopTimeoutMs: 100,
    ...options,
  })
}

export function phaseOf(engine) {
  return new Promise((resolve) => {
    engine.state$.subscribe(({ phase }) => resolve(phase))
  })
}

/** What each of these calls did wrong: it may reject with an error of synchart, and must come to an end. */
export async function wrongs(calls) {
  const found = await Promise.all(Object.entries(calls).map(async ([name, call]) => wrongIn(name, call)))
  return found.flat()
}

async function wrongIn(name, call) {
  let timer
  const hung = new Promise((resolve) => {
    timer = setTimeout(() => resolve([`${name} did not come to an end.`]), HANGS_MS)
  })
  const ended = Promise.resolve()
    .then(call)
    .then(
      () => [],
      (error) => (error instanceof SyncError ? [] : [`${name} failed with what is no SyncError: ${textOf(error)}`]),
    )
  const wrong = await Promise.race([ended, hung])
  clearTimeout(timer)
  return wrong
}

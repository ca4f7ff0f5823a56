import { callGuarded } from '../../core/call-guarded.ts'
import { SyncError, ValidationError } from '../../core/errors.ts'
import { checkEngine } from '../../core/option-checks.ts'
import { isRecord } from '../../core/schema.ts'
import type { SyncEngine } from '../../engine/types.ts'
import { checkTag } from './on-sync.ts'

interface PeriodicOptions {
  readonly tag: string
  readonly minIntervalMs: number
}

export interface RegisterDrainOptions {
  /** As given to `drainOnSync`. */
  readonly tag: string
  /** Also asks for Periodic Background Sync, which browsers grant to installed applications only. */
  readonly periodic?: PeriodicOptions
  /** Told each time that the browser refuses: the user forbade it, or no worker is active. */
  readonly onRefused?: (error: SyncError) => void
}

export interface DrainRegistration {
  /** False where the browser has no Background Sync, as Firefox and Safari: what is left goes on when a page is opened. */
  readonly supported: boolean
  readonly periodicSupported: boolean
  /** Registers no more. What is registered stays. */
  stop(): void
}

/** What the types of the DOM do not know. */
interface WithSync {
  readonly sync: { register(tag: string): Promise<void> }
}

interface WithPeriodicSync {
  readonly periodicSync: { register(tag: string, options: { readonly minInterval: number }): Promise<void> }
}

/**
 * Lets the service worker go on when this page can't: registers Background Sync when an operation is enqueued without a network or
 * is put off, and when the page is hidden or left while something waits. Where the worker isn't active yet, as soon as it is.
 * @throws ValidationError that names what is wrong.
 */
export function registerDrain(engine: SyncEngine, options: RegisterDrainOptions): DrainRegistration {
  checkEngine(engine)
  const { tag, periodic, onRefused = () => {} } = checkOptions(options)
  const workers = workersHere()
  const supported = workers !== undefined && 'SyncManager' in globalThis
  const periodicSupported = workers !== undefined && 'PeriodicSyncManager' in globalThis
  const over = new AbortController()
  const { signal } = over
  let active: ServiceWorkerRegistration | undefined
  /** By the engine's own word, which knows of portals, and of what the application has in the place of the platform's. */
  let isOffline = false
  const ready = workers?.ready.then((registration) => (active = registration))

  /** When a page is left there is no time to wait for a promise, so what is known is used at once. */
  function register(): void {
    if (active !== undefined) void sync(active)
    else void ready?.then(sync)
  }

  function sync(registration: ServiceWorkerRegistration): Promise<void> {
    if (signal.aborted || !hasSync(registration)) return Promise.resolve()
    return registration.sync.register(tag).catch(refused)
  }

  function refused(cause: unknown): void {
    const message = `The browser does not allow Background Sync: what is left is sent when a page is opened.`
    // Whoever is told of trouble must not add to it.
    callGuarded(onRefused, new SyncError('background-sync-refused', message, { cause }), () => {})
  }

  function hidden(): void {
    if (document.visibilityState === 'hidden') left()
  }

  function left(): void {
    if (engine.metrics().queue.depth > 0) register()
  }

  function queued(): void {
    if (isOffline || !navigator.onLine) register()
  }

  if (periodic !== undefined && workers !== undefined && periodicSupported)
    void registerPeriodic(workers, periodic, signal).catch(refused)
  if (supported) {
    for (const stop of [engine.on('sync:queued', queued), engine.on('sync:retry', register), engine.on('network:offline', left)])
      signal.addEventListener('abort', stop)
    const watching = engine.state$.subscribe(({ pauses }) => (isOffline = pauses.includes('network')))
    signal.addEventListener('abort', () => watching.unsubscribe())
    document.addEventListener('visibilitychange', hidden, { signal })
    globalThis.addEventListener('pagehide', left, { signal })
  }
  return { supported, periodicSupported, stop: () => over.abort() }
}

/** To a sandboxed frame without an origin even the question is refused. */
function workersHere(): ServiceWorkerContainer | undefined {
  try {
    return 'navigator' in globalThis ? globalThis.navigator.serviceWorker : undefined
  } catch {
    return undefined
  }
}

function checkOptions(options: RegisterDrainOptions): RegisterDrainOptions {
  if (!isRecord(options)) throw new ValidationError('registerDrain', 'give an object with tag')
  const { tag, periodic, onRefused } = options
  checkTag('tag', tag)
  if (periodic !== undefined) checkPeriodic(periodic)
  if (onRefused !== undefined && typeof onRefused !== 'function')
    throw new ValidationError('onRefused', 'must be a function that takes an error')
  return options
}

function checkPeriodic(periodic: PeriodicOptions): void {
  if (!isRecord(periodic)) throw new ValidationError('periodic', 'give an object with tag and minIntervalMs')
  checkTag('periodic.tag', periodic.tag)
  if (!Number.isFinite(periodic.minIntervalMs) || periodic.minIntervalMs < 0)
    throw new ValidationError('periodic.minIntervalMs', 'must be milliseconds')
}

async function registerPeriodic(
  workers: ServiceWorkerContainer,
  { tag, minIntervalMs }: PeriodicOptions,
  signal: AbortSignal,
): Promise<void> {
  const registration = await workers.ready
  if (signal.aborted || !hasPeriodicSync(registration)) return
  await registration.periodicSync.register(tag, { minInterval: minIntervalMs })
}

function hasSync(registration: object): registration is WithSync {
  return 'sync' in registration
}

function hasPeriodicSync(registration: object): registration is WithPeriodicSync {
  return 'periodicSync' in registration
}

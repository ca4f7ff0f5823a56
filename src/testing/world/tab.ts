import type { Storage } from '../../core/ports.ts'
import { transportOver } from '../../adapters/http/transport.ts'
import type { Entity } from '../../engine/read-types.ts'
import type { EnqueueInput, Operation, SyncEngine } from '../../engine/types.ts'
import { wholeEngine } from '../../engine/whole-engine.ts'
import { UNAUDITED } from './audit.ts'
import { counted, simulatedClock, type TimerRules } from './clock.ts'
import type { Device } from './device.ts'
import type { TabChange } from './facts.ts'
import { createLife, type Life } from './life.ts'
import { BASE_URL } from './network.ts'
import { schemaOf } from './schemas.ts'
import { shapeOptions } from './shapes.ts'
import { FOLDERS } from './naming.ts'
import { kindsOf, noteOptions } from './settings.ts'
import { encrypted, rotateKeys } from './encryption.ts'
import { codeOf } from './trace.ts'
import { createMachineBoard, type MachineBoard } from './recording.ts'
import { ofBuild } from './storage.ts'
import { transact } from './transactions.ts'
import type { World } from './world.ts'

/** One tab of a device: a process that runs an engine, and may be killed, frozen and started again. */
export interface Tab {
  readonly name: string
  readonly device: Device
  /** Of the application: what is opened next is this one, and the version of its schema. */
  build: number
  /** The engine, once it has started and as long as its process lives and is not frozen. */
  ready(): SyncEngine | undefined
  isOpen(): boolean
  isFrozen(): boolean
  /** Opens the tab: a new process with a new engine, for the user who is logged in on the device. */
  start(): void
  /** Ends the engine in good order, then the process. */
  stop(): Promise<void>
  kill(): void
  /** It dies at one of its next calls of ports: 1 is the very next. */
  killAt(call: number): void
  freeze(): void
  resume(): void
  throttle(ms: number): void
  /** How many timers its process has set. */
  timers(): number
  /** Calls `enqueue`, `enqueueAll` or `transaction` as the application would, and tells of what comes of it. */
  enqueue(inputs: readonly EnqueueInput[], accepted: (ids: readonly string[]) => void, isTransaction?: boolean): void
}

interface Running {
  readonly life: Life
  readonly rules: TimerRules & { throttleMs: number }
  readonly user: string
  readonly build: number
  readonly engine: SyncEngine
  /** Undefined where nothing is recorded. */
  readonly machines: MachineBoard | undefined
  /** Seals with the key of its build what older ones have sealed. */
  readonly rotate: () => void
  readonly timers: ReadonlySet<object>
  phase: 'starting' | 'ready' | 'stopping'
}

/** An application that could not start asks its user, and tries again. */
const START_AGAIN_MS = 2_000
/** Who watches needs no past. */
const RECORDER = { maxBytes: 16_384 }

export function createTab(world: World, device: Device, name: string): Tab {
  const { scheduler, tell } = world
  let running: Running | undefined
  /** Who stopped in the midst of logging out goes on with that. */
  const lives = new Set<Life>()

  function changed(change: TabChange, user = running?.user ?? ''): void {
    tell({ type: 'tab', tab: name, device: device.name, user, change, build: running?.build ?? tab.build })
  }

  function start(): void {
    if (running !== undefined) return
    const life = createLife(scheduler, world.survives)
    lives.add(life)
    const rules = { throttleMs: 1 }
    const { user } = device
    const timers = new Set<object>()
    const { storage, rotate } = storageOf(life)
    const machines = world.settings.hasRecorder ? createMachineBoard() : undefined
    const made: Running = {
      life,
      rules,
      user,
      build: tab.build,
      engine: makeEngine(life, rules, user, timers, storage, machines),
      machines,
      rotate,
      timers,
      phase: 'starting',
    }
    running = made
    life.onDeath(() => {
      lives.delete(life)
      if (running !== made) return
      changed('killed')
      running = undefined
    })
    changed('starting')
    made.engine.on('*', (event) => life.isAlive() && tell({ type: 'event', tab: name, device: device.name, event }))
    made.engine.on('engine:started', () => begun(made))
    if (world.settings.hasViews) for (const entity of kindsOf(world.settings)) show(made, entity)
    follow(made)
  }

  function begun(made: Running): void {
    if (made.phase !== 'starting' || !made.life.isAlive()) return
    made.phase = 'ready'
    changed('started')
    made.rotate()
  }

  /** Tells what the application would draw, and draw anew. */
  function show({ engine, life, user }: Running, entity: string): void {
    let drawn = new Map<string, Entity>()
    engine
      .view(entity)
      .watch()
      .subscribe((list) => {
        if (!life.isAlive()) return
        const now = new Map(list.map((one) => [one.id, one]))
        const about = { type: 'shown', tab: name, device: device.name, user, entity } as const
        for (const [id, one] of now) if (drawn.get(id) !== one) tell({ ...about, id, value: one.value, status: one.status })
        for (const id of drawn.keys()) if (!now.has(id)) tell({ ...about, id, value: undefined, status: 'gone' })
        drawn = now
      })
  }

  function follow(made: Running): void {
    if (made.phase !== 'starting') return
    made.engine.start().catch((error: unknown) => {
      if (made.phase !== 'starting' || !made.life.isAlive()) return
      tell({ type: 'did', tab: name, action: 'start', result: codeOf(error) })
      scheduler.after(START_AGAIN_MS, () => made.life.enter(() => follow(made)))
    })
  }

  function makeEngine(
    life: Life,
    rules: TimerRules,
    user: string,
    timers: Set<object>,
    storage: Storage,
    machines: MachineBoard | undefined,
  ): SyncEngine {
    const clock = counted(simulatedClock(scheduler, life, device.clock, rules), timers)
    // It computes, which no rule for timers makes slower.
    const thinking = simulatedClock(scheduler, life, device.clock, { throttleMs: 1 })
    const { settings } = world
    const caller = { tab: name, device: device.name, user, life, isOnline: device.link.isOnline }
    const transport = transportOver(
      { wire: world.network.wireOf(caller), clock },
      {
        baseURL: BASE_URL,
        timeoutMs: settings.requestTimeoutMs,
        auth: device.authOf(user, life),
        ...(settings.transactions === 'oneByOne' ? { batch: false } : {}),
      },
    )
    const ports = {
      clock,
      random: world.random,
      newId: world.newId,
      connectivity: device.link.connectivityOf(life, settings.hasProbe),
    }
    const unaudited = settings.engine.audit === undefined ? undefined : [UNAUDITED]
    const note = {
      ...noteOptions(settings, { tab: name, clock: thinking, tell }),
      ...shapeOptions(settings, tab.build),
      scopes: device.parts,
      schema: schemaOf(device.schema, thinking),
      unaudited,
    }
    const engine = wholeEngine(ports).createSyncEngine({
      ...settings.engine,
      recorder: machines === undefined ? world.traced && RECORDER : RECORDER,
      inspect: machines?.inspect,
      ...(device.hasLine ? { realtime: { ...settings.engine.realtime, channel: world.lines.channelOf(caller) } } : {}),
      user,
      entities: { note, task: {}, ...(settings.hasFolders ? FOLDERS : {}) },
      storage,
      transport,
    })
    world.traced?.(name, engine)
    return engine
  }

  /** A newer build is told apart by the version of its schema, or of what the application stores. */
  function storageOf(life: Life): { storage: Storage; rotate: () => void } {
    const { build } = tab
    const storage = device.disk.storageOf({
      tab: name,
      device: device.name,
      scheduler,
      life,
      tell,
      presence: world.settings.hasPresence ? device.presence.presenceOf(name, life) : undefined,
      latencyMs: world.storageLatencyMs,
      answerMs: world.answerMs,
      noticeMs: world.noticeMs,
      fault: (call) => device.storageFault(call),
    })
    const from = device.disk.corrupt === undefined ? undefined : world.settings.encryptedFromBuild
    const version = world.settings.shapes === 'none' ? build : 1
    if (from === undefined || build < from) return { storage: ofBuild(storage, version), rotate: () => {} }
    const sealed = encrypted(storage, world.cipherOf(build))
    const told = (result: string): void => {
      if (life.isAlive()) tell({ type: 'did', tab: name, action: 'rotate', result })
    }
    return { storage: ofBuild(sealed, build), rotate: () => void (build > from && rotateKeys(sealed, told, codeOf)) }
  }

  function record({ engine, machines, life }: Running): void {
    if (machines === undefined || !life.isAlive()) return
    const recorded = { text: engine.recorder.export(), states: machines.states(), ...RECORDER }
    tell({ type: 'recorded', tab: name, device: device.name, ...recorded })
  }

  function ready(): Running | undefined {
    return running?.phase === 'ready' && running.life.isAlive() && !running.life.isFrozen() ? running : undefined
  }

  async function enqueue(
    inputs: readonly EnqueueInput[],
    accepted: (ids: readonly string[]) => void,
    isTransaction: boolean,
  ): Promise<void> {
    const now = ready()
    const ticket = world.newTicket()
    const [input] = inputs
    if (now === undefined || input === undefined) return
    const { engine, user, life } = now
    tell({ type: 'asked', tab: name, ticket, inputs })
    for (const { entity, id } of inputs) device.touched.add(`/${entity}/${encodeURIComponent(id)}`)
    try {
      const operations = isTransaction
        ? await transact(engine, inputs)
        : inputs.length === 1
          ? [await engine.enqueue(input)]
          : await engine.enqueueAll(inputs)
      if (!life.isAlive()) return
      const ids = operations.map(({ id }) => id)
      tell({ type: 'accepted', tab: name, device: device.name, user, ticket, ids })
      accepted(ids)
      for (const operation of operations) void learn(life, operation)
    } catch (error) {
      if (life.isAlive()) tell({ type: 'declined', tab: name, device: device.name, ticket, code: codeOf(error) })
    }
  }

  async function learn(life: Life, operation: Operation): Promise<void> {
    const settlement = await operation.settled
    if (life.isAlive()) tell({ type: 'settled', tab: name, device: device.name, operation: operation.id, settlement })
  }

  const tab: Tab = {
    name,
    device,
    build: 1,
    ready: () => ready()?.engine,
    isOpen: () => running !== undefined,
    isFrozen: () => running?.life.isFrozen() ?? false,
    start,
    async stop() {
      const leaving = running
      if (leaving === undefined || leaving.phase === 'stopping') return
      leaving.phase = 'stopping'
      changed('stopping')
      record(leaving)
      await leaving.engine.stop()
      record(leaving)
      if (running === leaving) running = undefined
      changed('stopped', leaving.user)
    },
    kill: () => lives.forEach((life) => life.kill()),
    killAt: (call) => running?.life.dieAt(call),
    freeze() {
      if (running === undefined || running.life.isFrozen()) return
      running.life.freeze()
      changed('frozen')
    },
    resume() {
      if (running === undefined || !running.life.isFrozen()) return
      running.life.resume()
      changed('resumed')
    },
    throttle(ms) {
      if (running !== undefined) running.rules.throttleMs = ms
    },
    timers: () => running?.timers.size ?? 0,
    enqueue: (inputs, accepted, isTransaction = false) => void enqueue(inputs, accepted, isTransaction),
  }
  return tab
}

import type { Cipher } from '../../adapters/encrypted/index.ts'
import { createCipherOf } from './encryption.ts'
import type { NewId, Random } from '../../core/ports.ts'
import { createDevice, type Device, type DeviceShape } from './device.ts'
import type { Fact, FactBody, Tell } from './facts.ts'
import { createLines, type Lines, type PushFate } from './lines.ts'
import { createModelServer, type ModelServer } from './model-server.ts'
import { isInPart } from './parts.ts'
import { createNetwork, type Fate, type Network } from './network.ts'
import { createScheduler, type Scheduler } from './scheduler.ts'
import type { Traced } from './engine-trace.ts'
import type { WorldSettings } from './settings.ts'
import type { Choices } from './tape.ts'
import type { Sent } from './facts.ts'

/**
 * Devices, their tabs with real engines, and one model server, in virtual time. Whatever is left to chance is drawn from `choices`; whatever happens
 * is told to `observe`. Nothing here touches the real clock, randomness, network or disk.
 */
export interface World {
  readonly settings: WorldSettings
  readonly scheduler: Scheduler
  readonly server: ModelServer
  readonly network: Network
  readonly lines: Lines
  readonly devices: readonly Device[]
  readonly tell: Tell
  readonly random: Random
  readonly newId: NewId
  newTicket(): number
  /** Where what the engines record goes; undefined: they record nothing. */
  readonly traced: Traced | undefined
  /** With the keys of a build and of all before it. */
  cipherOf(build: number): Cipher
  storageLatencyMs(): number
  answerMs(): number
  noticeMs(): number
  /** A process has reached a port, or an answer is about to reach it: counts these moments. False at the one at which it is to die. */
  survives(): boolean
  /** How many such moments there were. */
  crashPoints(): number
}

export interface WorldOptions {
  readonly settings: WorldSettings
  readonly deviceCount: number
  readonly tabsPerDevice: number
  readonly choices: Choices
  /** What goes wrong with a request, beside the time it takes. */
  fateOf?(request: Sent): Partial<Fate>
  /** What becomes of a hint on a line. */
  pushFate?(): PushFate
  observe(fact: Fact): void
  readonly traced?: Traced | undefined
  /** At this moment, counted from 1, the process that it belongs to dies. */
  crashAt?: number | undefined
}

export function createWorld(options: WorldOptions): World {
  const { settings, choices, observe } = options
  const scheduler = createScheduler()
  const server = createModelServer({
    isInPart,
    tellsTwice: settings.tellsTwice,
    assignedId: (entity, version) => (settings.hasFolders && entity === 'folder' ? `f${version}` : undefined),
  })
  server.changes.hasCopies = settings.hasCopies
  const devices: Device[] = []
  let [ids, tickets, points] = [0, 0, 0]

  const tell = (body: FactBody): void => observe({ ...body, at: scheduler.now() })

  const fateOf = (request: Sent): Fate => ({
    thereMs: choices.whole(5, 60),
    backMs: choices.whole(5, 60),
    ...options.fateOf?.(request),
  })

  const storeOf = (number: number): DeviceShape['store'] =>
    settings.hasKeyValueStore && number === options.deviceCount ? 'key-value' : 'transactional'

  const lines = createLines({
    scheduler,
    tell,
    latencyMs: () => choices.whole(5, 60),
    outage: () => (server.outage === undefined || server.outage === 'silent' ? server.outage : 'refusing'),
    fateOf: () => options.pushFate?.() ?? { laterMs: [0], beside: [] },
  })

  const world: World = {
    settings,
    scheduler,
    server,
    network: createNetwork({ scheduler, server, tell, changed: lines.changed, fateOf }),
    lines,
    devices,
    tell,
    random: choices.unit,
    newId: () => `o${++ids}`,
    newTicket: () => ++tickets,
    traced: options.traced,
    cipherOf: createCipherOf(),
    storageLatencyMs: () => choices.whole(1, 4),
    answerMs: () => choices.pick([0, 0, 0, 1, 2, 5]),
    noticeMs: () => choices.whole(5, 150),
    survives: () => ++points !== options.crashAt,
    crashPoints: () => points,
  }
  for (let number = 1; number <= options.deviceCount; number++)
    devices.push(
      createDevice(world, {
        name: `d${number}`,
        tabCount: options.tabsPerDevice,
        store: storeOf(number),
        hasLine: number <= settings.lineCount,
        parts: settings.parts[number - 1],
        schema: settings.schemas[number - 1] ?? 'none',
        skewMs: -(number - 1) * settings.skewMs,
      }),
    )
  return world
}

import type { HttpTransportOptions } from '../../adapters/http/options.ts'
import { transportOver } from '../../adapters/http/transport.ts'
import { axiosWire, type IncomingResponse, type OutgoingRequest, type Wire } from '../../adapters/http/wire.ts'
import { systemClock } from '../../adapters/system-clock.ts'
import { ValidationError } from '../../core/errors.ts'
import { isRecord } from '../../core/schema.ts'
import type { OpenChannel } from '../../core/channel-port.ts'
import type { Connectivity, Transport } from '../../core/ports.ts'
import { checkBoolean, checkFields, checkFunction, checkSeed } from '../check.ts'
import type { SimulatedServer } from '../server.ts'
import type { SimulatedTime } from '../time.ts'
import { createLink } from '../world/connectivity.ts'
import { createLife } from '../world/life.ts'
import { splitSeed } from '../world/random.ts'
import { choicesOf, recordedTape } from '../world/tape.ts'
import { WatcherError } from '../watcher-error.ts'
import { aborted, travel, unreachable, type Arrival } from '../world/travel.ts'
import { answerOf } from './answer.ts'
import { checkFault, fateOf, type NetworkFault } from './faults.ts'
import { createNetworkLines, type LineEnd } from './lines.ts'
import { startOutages } from './outages.ts'
import {
  checkDrawn,
  checkSpan,
  choicesFor,
  drawFault,
  type DrawnFaults,
  type FaultScript,
  type NetworkRequest,
  type SpanMs,
} from './plan.ts'

export interface SimulatedNetworkOptions {
  /** In which requests travel. Default: the real time. */
  readonly time?: SimulatedTime
  /**
   * What is at the other end: that of `createSimulatedServer`, or one of your own. Default: the real network, by axios. Real requests take no virtual
   * time; it stands still until they are answered. What it rejects with is a broken connection; what it gives that is no answer rejects `run` and `runUntil`.
   */
  readonly wire?: Wire
  /** A whole number below 2^32: of everything that this network draws. Default 1. */
  readonly seed?: number
  /** How long a request needs to the server, and its answer back; drawn for each. Default [0, 0]. */
  readonly latencyMs?: SpanMs
  /** Default: none. */
  readonly faults?: DrawnFaults | FaultScript
  /** Whether `connectivity` can ask the network itself (40 ms), and so tell a captive portal. Default false, as in browsers and Node. */
  readonly probes?: boolean
}

/** A request, and what became of it. */
export interface NetworkEntry extends NetworkRequest {
  /** When it was sent: milliseconds since the network was made. */
  readonly atMs: number
  /** What it was made to meet. `offline` if nothing could leave. */
  readonly fault: NetworkFault | { readonly type: 'offline' } | undefined
  /** What the sender got: a status, or an error's code as `ECONNRESET`. Undefined while it is under way, and if the sender gave up before. */
  readonly answer: number | string | undefined
}

export interface SimulatedNetwork {
  /** The HTTP transport, with the options that the application gives it, over this network. @throws ValidationError as `httpTransport` does. */
  transport(options: HttpTransportOptions): Transport
  /** For `createSyncEngine({ …, ports: { connectivity: network.connectivity } })`: so the engine is told of `setOnline`. */
  readonly connectivity: Connectivity
  /**
   * Faults from now on, drawn or by script; undefined: none. What is under way goes on as it began, and outages end: in real time they keep a process alive until then.
   * @throws ValidationError that names what is out of range.
   */
  setFaults(faults: DrawnFaults | FaultScript | undefined): void
  /** False: nothing leaves any more, and the platform says so. What is under way goes on. */
  setOnline(online: boolean): void
  /** True: a captive portal answers everything, and the platform believes to be online. */
  setCaptive(captive: boolean): void
  /**
   * Realtime lines to the server in memory, for `createSyncEngine({ …, realtime: { channel: network.channel(server) } })`: they tell of every effect. While the network is
   * down nothing comes through, and no line opens. @throws ValidationError for what is no such server.
   */
  channel(server: SimulatedServer): OpenChannel
  /** The server ends all open lines: by default it restarts. @throws ValidationError that names what is wrong. */
  closeLines(end?: LineEnd): void
  /** All open lines go dead without being closed, as behind a router that forgets them: only their heartbeat can tell. */
  silenceLines(): void
  /** Every request in the order of leaving, as it stands now. */
  log(): readonly NetworkEntry[]
}

/**
 * A network that does to requests what networks do, by a script or drawn from a seed. Everything above it is real: the HTTP transport, its time limits, and how answers are judged.
 * @throws ValidationError that names the option.
 */
export function createSimulatedNetwork(options: SimulatedNetworkOptions = {}): SimulatedNetwork {
  checkFields('options', options, ['time', 'wire', 'seed', 'latencyMs', 'faults', 'probes'])
  const { time, wire = axiosWire(), seed = 1, latencyMs = [0, 0], probes = false } = options
  if (time !== undefined) checkTime(time)
  checkFunction('wire', wire)
  checkSeed(seed)
  checkSpan('latencyMs', latencyMs)
  checkBoolean('probes', probes)
  const clock = time?.ports.clock ?? systemClock
  const begun = clock.monotonic()
  const after = (delayMs: number, task: () => void): (() => void) => clock.schedule(task, delayMs)
  const link = createLink({ after })
  const sent = new Map<string, number>()
  const entries: NetworkEntry[] = []
  let faultOf: (request: NetworkRequest, body: string | null) => NetworkFault | undefined = () => undefined
  let endOutages = (): void => {}

  function setFaults(faults: DrawnFaults | FaultScript | undefined): void {
    if (faults !== undefined && typeof faults !== 'function') checkDrawn(faults)
    endOutages()
    endOutages = (): void => {}
    if (faults === undefined) faultOf = () => undefined
    else if (typeof faults === 'function') faultOf = faults
    else {
      faultOf = (request, body) => drawFault(choicesFor(seed, request, 'fault', body), faults)
      if (faults.outages !== undefined) endOutages = startOutages(faults.outages, { seed, after, setOnline: link.setOnline })
    }
  }

  function requestOf({ url, method, headers, body }: OutgoingRequest): NetworkRequest {
    const { pathname, search } = new URL(url)
    const content = JSON.stringify([method, url, body])
    const attempt = (sent.get(content) ?? 0) + 1
    sent.set(content, attempt)
    const idempotencyKey = /^"(.*)"$/.exec(headers['Idempotency-Key'] ?? '')?.[1]
    return { number: entries.length + 1, method, path: pathname + search, idempotencyKey, attempt }
  }

  /** Notes a request; gives the function that notes its answer. */
  function note(request: NetworkRequest, fault: NetworkEntry['fault']): (answer: number | string) => void {
    const entry = { ...request, atMs: clock.monotonic() - begun, fault, answer: undefined }
    const place = entries.push(entry) - 1
    return (answer) => void (entries[place] = { ...entry, answer })
  }

  /** A script's mistake is the test's: it is not for the engine to get over, but ends the run. */
  function faultFor(request: NetworkRequest, body: string | null): NetworkFault | undefined {
    try {
      const fault: unknown = faultOf(request, body)
      checkFault(fault)
      return fault
    } catch (error) {
      note(request, undefined)(error instanceof Error ? codeOf(error) : 'error')
      endRun(error)
      throw error
    }
  }

  function endRun(error: unknown): void {
    after(0, () => {
      throw error
    })
  }

  async function carry(outgoing: OutgoingRequest): Promise<IncomingResponse> {
    const request = requestOf(outgoing)
    if (!link.isOnline()) {
      note(request, { type: 'offline' })('ECONNREFUSED')
      throw unreachable()
    }
    const fault = link.isCaptive() ? ({ type: 'portal-page' } as const) : faultFor(request, outgoing.body)
    const noteAnswer = note(request, fault)
    const latency = choicesFor(seed, request, 'latency', outgoing.body)
    const fate = fateOf(fault, { thereMs: latency.whole(...latencyMs), backMs: latency.whole(...latencyMs) })
    return new Promise((resolve, reject) => {
      outgoing.signal.addEventListener('abort', () => reject(aborted()))
      travel({ after, serve: (answered) => void serve(outgoing).then(answered) }, fate, (answer) => {
        if (outgoing.signal.aborted) return
        noteAnswer(answer instanceof Error ? codeOf(answer) : answer.status)
        if (answer instanceof Error) reject(answer)
        else resolve({ status: answer.status, headers: answer.headers, data: answer.body })
      })
    })
  }

  /** What comes to the server after its sender has given up is served all the same. */
  async function serve(outgoing: OutgoingRequest): Promise<Arrival> {
    const signal = outgoing.signal.aborted ? new AbortController().signal : outgoing.signal
    const exchange = async (): Promise<IncomingResponse> => wire({ ...outgoing, signal })
    try {
      return answerOf(await (time === undefined ? exchange() : time.hold(exchange())))
    } catch (error) {
      if (error instanceof WatcherError) {
        endRun(error.cause)
        return answerOf(error.response)
      }
      if (error instanceof ValidationError) endRun(error)
      return error instanceof Error ? error : new Error('The wire rejected with something that is no error.')
    }
  }

  setFaults(options.faults)
  const life = createLife({ after }, () => true)
  const latency = choicesOf(recordedTape(splitSeed(seed, 'lines')))
  const lines = createNetworkLines({
    scheduler: { now: () => clock.monotonic(), after },
    link,
    life,
    latencyMs: () => latency.whole(...latencyMs),
  })
  return {
    transport: (given) => transportOver({ wire: carry, clock }, given),
    connectivity: link.connectivityOf(life, probes),
    ...lines,
    setFaults,
    setOnline(online) {
      checkBoolean('online', online)
      link.setOnline(online)
    },
    setCaptive(captive) {
      checkBoolean('captive', captive)
      link.setCaptive(captive)
    },
    log: () => [...entries],
  }
}

function checkTime(time: unknown): void {
  if (isRecord(time) && isRecord(time['ports']) && isRecord(time['ports']['clock']) && typeof time['hold'] === 'function') return
  throw new ValidationError('time', 'must be what createSimulatedTime() gives.')
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

import { hostEngines } from './host.ts'
import type { Command, Port, Told } from './messages.ts'

/** A place where engines run: this page, another one, or a worker. */
export interface Context {
  readonly told: readonly Told[]
  call(command: Command): Promise<unknown>
  until<T extends Told>(matches: (told: Told) => told is T): Promise<T>
  /** Ends it without warning, as the browser does. */
  end(): void
}

function contextOf(port: Port, end: () => void): Context {
  const told: Told[] = []
  const listeners = new Set<(told: Told) => void>()
  const calls = new Map<number, (reply: Extract<Told, { type: 'reply' }>) => void>()
  let last = 0
  port.addEventListener('message', ({ data }: MessageEvent<Told>) => {
    if (data.type === 'reply') return calls.get(data.call)?.(data)
    told.push(data)
    for (const listener of listeners) listener(data)
  })
  return {
    told,
    end,
    call(command) {
      const call = ++last
      return new Promise((resolve, reject) => {
        calls.set(call, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))))
        port.postMessage({ ...command, call })
      })
    },
    until<T extends Told>(matches: (each: Told) => each is T) {
      return new Promise<T>((resolve) => {
        const known = told.find(matches)
        if (known !== undefined) return resolve(known)
        const listener = (each: Told): void => {
          if (!matches(each)) return
          listeners.delete(listener)
          resolve(each)
        }
        listeners.add(listener)
      })
    },
  }
}

async function ready(context: Context): Promise<Context> {
  await context.until((told): told is Told => told.type === 'ready')
  return context
}

export function inWorker(): Promise<Context> {
  const worker = new Worker(new URL('./workers/engines.ts', import.meta.url), { type: 'module' })
  return ready(contextOf(worker, () => worker.terminate()))
}

export async function inFrame(): Promise<Context> {
  const frame = document.createElement('iframe')
  const port = new Promise<MessagePort>((resolve) => {
    const listen = ({ source, data, ports: [given] }: MessageEvent): void => {
      if (source !== frame.contentWindow || data !== 'port' || given === undefined) return
      removeEventListener('message', listen)
      resolve(given)
    }
    addEventListener('message', listen)
  })
  frame.src = new URL('./pages/frame.html', import.meta.url).pathname
  document.body.append(frame)
  const given = await port
  const context = contextOf(given, () => frame.remove())
  given.start()
  return ready(context)
}

export function inThisPage(): Promise<Context> {
  const { port1, port2 } = new MessageChannel()
  const context = contextOf(port1, () => {})
  port1.start()
  port2.start()
  hostEngines(port2)
  return ready(context)
}

/** The first of the contexts that owns, or has owned, that store. */
export function firstOwner(contexts: readonly Context[], name: string): Promise<Context> {
  return Promise.race(contexts.map((context) => context.until(acquired(name)).then(() => context)))
}

export function acquired(name: string) {
  return (told: Told): told is Extract<Told, { type: 'acquired' }> => told.type === 'acquired' && told.name === name
}

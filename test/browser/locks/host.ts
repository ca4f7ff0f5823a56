import { createSyncEngine, type StorageError, type SyncEngine, type Transport } from '../../../src/index.ts'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { LEASE, META, STORE_SCHEMA } from '../../../src/core/schema.ts'
import type { Command, Port, Told } from './messages.ts'
import { betweenTransactions } from './transactions.ts'

/** Runs engines in this context, as it is told over the port. */
export function hostEngines(port: Port): void {
  const engines = new Map<string, SyncEngine>()
  const tell = (told: Told): void => port.postMessage(told)

  /** Every request is applied; the test counts them by key. */
  function transport(name: string): Transport {
    return {
      prepare: ({ entityId, payload }) => ({
        method: 'POST',
        path: `/note/${entityId}`,
        headers: {},
        body: JSON.stringify(payload),
      }),
      async send({ path }, { idempotencyKey }) {
        tell({ type: 'request', name, key: idempotencyKey, id: path.slice('/note/'.length) })
        return { type: 'applied', version: '1' }
      },
      fetch: async () => ({ type: 'absent' }),
    }
  }

  async function obey(command: Command): Promise<unknown> {
    if (command.type === 'start') return start(command)
    if (command.type === 'stop') return engineOf(command.name).stop()
    if (command.type === 'enqueue') return enqueue(command)
    if (command.type === 'writeAs') return writeAs(command)
    return freeze(command)
  }

  function engineOf(name: string): SyncEngine {
    const engine = engines.get(name)
    if (engine === undefined) throw new Error(`There is no engine on ${name}.`)
    return engine
  }

  async function start({ name, lock }: Extract<Command, { type: 'start' }>): Promise<void> {
    const engine = createSyncEngine({
      storage: indexedDbStorage({ name }),
      transport: transport(name),
      entities: { note: {} },
      lock: { pollMs: 50, ...lock },
    })
    engines.set(name, engine)
    engine.on('lock:*', (event) => {
      if (event.type === 'lock:acquired') tell({ type: 'acquired', name, epoch: event.epoch })
      if (event.type === 'lock:lost') tell({ type: 'lost', name })
    })
    await engine.start()
  }

  async function enqueue({ name, ids }: Extract<Command, { type: 'enqueue' }>): Promise<void> {
    const inputs = ids.map((id) => ({ type: 'create', entity: 'note', id, payload: {} }))
    const operations = await Promise.all(inputs.map((input) => engineOf(name).enqueue(input)))
    operations.forEach(({ settled }, i) => {
      void settled.then(({ status }) => tell({ type: 'settled', name, id: ids[i] ?? '', status }))
    })
  }

  async function writeAs({ name, epoch, times }: Extract<Command, { type: 'writeAs' }>): Promise<string[]> {
    const storage = indexedDbStorage({ name })
    await storage.open(STORE_SCHEMA)
    const codes: string[] = []
    for (let i = 0; i < times; i++) {
      const write = { type: 'put', collection: META, value: { name: 'late', i } } as const
      const fence = { collection: META, key: LEASE, epoch }
      codes.push(
        await storage.commit([write], { fence }).then(
          () => 'written',
          ({ code }: StorageError) => code,
        ),
      )
    }
    await storage.close()
    return codes
  }

  function freeze({ url }: Extract<Command, { type: 'freeze' }>): Promise<void> {
    return betweenTransactions(() => {
      tell({ type: 'frozen' })
      while (canBeFetched(url));
    })
  }

  port.addEventListener('message', ({ data }: MessageEvent<Command & { call: number }>) => {
    obey(data).then(
      (result) => tell({ type: 'reply', call: data.call, result }),
      (error: unknown) => tell({ type: 'reply', call: data.call, error: String(error) }),
    )
  })
  tell({ type: 'ready' })
}

function canBeFetched(url: string): boolean {
  const request = new XMLHttpRequest()
  try {
    request.open('GET', url, false)
    request.send()
    return true
  } catch {
    return false
  }
}

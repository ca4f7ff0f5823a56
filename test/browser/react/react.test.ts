import { deleteDB } from 'idb'
import { createElement, StrictMode, useEffect, useState, type ReactElement } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { indexedDbStorage } from '../../../src/adapters/indexeddb/index.ts'
import { createSyncEngine, type SyncEngine } from '../../../src/index.ts'
import {
  SyncProvider,
  useConflicts,
  useDeadLetters,
  useEntities,
  useEntity,
  useOperations,
  useProgress,
  useRealtime,
  useSyncEngine,
  useSyncStatus,
} from '../../../src/react/index.ts'
import { createSimulatedNetwork, createSimulatedServer, type SimulatedServer } from '../../../src/testing/index.ts'

interface Note {
  readonly title: string
  readonly done?: boolean
}

let name: string
let server: SimulatedServer
let engine: SyncEngine
let box: HTMLElement
let root: Root

function engineOn(store: string): SyncEngine {
  const network = createSimulatedNetwork({ wire: server.wire })
  return createSyncEngine({
    storage: indexedDbStorage({ name: store }),
    transport: network.transport({ baseURL: server.baseURL }),
    entities: { note: { conflict: 'manual' } },
  })
}

beforeEach(() => {
  name = `react-${crypto.randomUUID()}`
  server = createSimulatedServer()
  engine = engineOn(name)
  box = document.body.appendChild(document.createElement('div'))
  root = createRoot(box)
})
afterEach(async () => {
  root.unmount()
  box.remove()
  await engine.stop()
  await deleteDB(name)
})

function show(component: () => ReactElement | string, of = engine): void {
  root.render(createElement(StrictMode, undefined, createElement(SyncProvider, { engine: of }, createElement(component))))
}

const text = (): string | null => box.textContent
const create = (id: string, payload: Note) => ({ type: 'create', entity: 'note', id, payload }) as const

describe('the hooks of React', () => {
  it('E6 useEntities shows what is pending and what is synced, without being asked again', async () => {
    let renders = 0
    const isOpen = ({ value }: { value: Note }): boolean => value.done !== true
    show(function List() {
      renders += 1
      const { entities, isLoading } = useEntities<Note>('note', isOpen)
      return isLoading ? 'loading' : entities.map(({ value, status }) => `${value.title} (${status})`).join(', ')
    })
    await expect.poll(text).toBe('loading')
    await engine.start()
    await expect.poll(text).toBe('')
    engine.pause('test')
    await engine.enqueue(create('a', { title: 'one' }))
    await engine.enqueue(create('b', { title: 'two', done: true }))
    await expect.poll(text).toBe('one (pending)')
    engine.resume('test')
    await expect.poll(text).toBe('one (synced)')
    const before = renders
    await engine.flush()
    expect(renders).toBe(before)
  })

  it.each([null, 'open', { done: true }])('E6 useEntities says that %j for matches is no function', (matches) => {
    function List(): string {
      // @ts-expect-error As of an application without types.
      return String(useEntities('note', matches).entities.length)
    }
    expect(() => renderToString(createElement(SyncProvider, { engine }, createElement(List)))).toThrow(
      expect.objectContaining({ name: 'ValidationError', path: 'matches' }),
    )
  })

  it('E6 useEntity follows the id that it is given, and tells what does not exist from what is not read yet', async () => {
    await engine.start()
    await engine.enqueue(create('a', { title: 'one' }))
    let choose: (id: string) => void = () => {}
    show(function Chosen() {
      const [id, setId] = useState('a')
      choose = setId
      const { entity, isLoading } = useEntity<Note>('note', id)
      return isLoading ? 'loading' : (entity?.value.title ?? 'nothing')
    })
    await expect.poll(text).toBe('one')
    choose('b')
    await expect.poll(text).toBe('nothing')
    await engine.enqueue(create('b', { title: 'two' }))
    await expect.poll(text).toBe('two')
  })

  it('C9 E1 useSyncStatus tells what waits, in another tab too, and why nothing is sent', async () => {
    await engine.start()
    const other = engineOn(name)
    await other.start()
    show(function Status() {
      const { phase, pauses, pending, deadLetters, isOnline } = useSyncStatus()
      return `${phase} ${pauses.join('+')} ${pending} ${deadLetters} ${isOnline}`
    }, other)
    await expect.poll(text).toBe('following  0 0 true')
    engine.pause('test')
    await other.enqueue({ type: 'update', entity: 'note', id: 'ghost', payload: { title: 'nobody' } })
    await expect.poll(text).toBe('following  1 0 true')
    engine.resume('test')
    await expect.poll(text).toBe('following  0 1 true')
    await other.stop()
    await expect.poll(text).toMatch(/^stopped/)
  })

  it('C9 useSyncStatus of an engine that runs never shows it as stopped, not even at first', async () => {
    await engine.start()
    engine.pause('test')
    const shown: string[] = []
    show(function Status() {
      const { phase, pauses } = useSyncStatus()
      shown.push(`${phase} ${pauses.join()}`)
      return phase
    })
    await expect.poll(text).toBe('paused')
    expect(shown.filter((one) => !one.endsWith(' test'))).toEqual([])
  })

  it('C9 useConflicts, useOperations and useDeadLetters list what a person has to see to', async () => {
    server.put('note', 'a', { title: 'one' })
    await engine.start()
    await engine.synchronize()
    show(function Inbox() {
      const [conflicts, operations, letters] = [useConflicts(), useOperations(), useDeadLetters()]
      const { resolve } = useSyncEngine().conflicts
      useEffect(() => {
        for (const { id } of conflicts) void resolve(id, 'local')
      }, [conflicts, resolve])
      return `${conflicts.length} ${operations.length} ${letters.map(({ lastError }) => lastError?.code).join()}`
    })
    await expect.poll(text).toBe('0 0 ')
    server.put('note', 'a', { title: 'theirs' })
    await engine.enqueue({ type: 'update', entity: 'note', id: 'a', payload: { title: 'ours' } })
    await expect.poll(() => server.list('note')).toMatchObject([{ title: 'ours' }])
    await engine.enqueue({ type: 'update', entity: 'note', id: 'ghost', payload: { title: 'nobody' } })
    await expect.poll(text).toMatch(/^0 0 \w/)
  })

  it('E6 useProgress and useRealtime begin with what stands before anything has happened; so does a server', () => {
    function Idle(): string {
      return `${useProgress().phase} ${useRealtime().phase} ${useSyncStatus().phase} ${useEntities('note').isLoading}`
    }
    expect(renderToString(createElement(SyncProvider, { engine }, createElement(Idle)))).toBe('idle off stopped true')
  })

  it('E6 a provider without an engine, and an entity without an id, say what is missing', () => {
    const rendered = (of: SyncEngine | undefined, id: string | undefined): string =>
      renderToString(
        createElement(
          SyncProvider,
          { engine: of as never },
          createElement(() => String(useEntity('note', id as never).isLoading)),
        ),
      )
    expect(rendered(engine, 'n1')).toBe('true')
    expect(() => rendered(undefined, 'n1')).toThrow(/^engine: .*createSyncEngine/)
    expect(() => rendered(engine, undefined)).toThrow(/^id: must be a string/)
  })

  it('E6 a hook outside of a provider says what is missing', () => {
    function Lost(): string {
      return String(useSyncEngine().history().length)
    }
    expect(() => renderToString(createElement(Lost))).toThrow('SyncProvider')
  })
})

import { createActor, createMachine } from 'xstate'
import { describe, expect, it } from 'vitest'
import {
  createSimulatedNetwork,
  createSimulatedServer,
  createSimulatedTime,
  testModel,
  type FaultScript,
  type Wire,
} from '../../src/testing/index.ts'
import { context, request } from '../adapters/support/http-world.ts'
import { settle } from '../support/virtual-clock.ts'
import { saved, simulated } from './network/world.ts'

const refused = (path: string) => expect.objectContaining({ name: 'ValidationError', path })
const STRANGE = [null, 5, 'x', [], true]

describe('what synchart/testing is given', () => {
  it('F6 is refused as options where it is no object, or has an option that there is not', () => {
    for (const make of [createSimulatedTime, createSimulatedNetwork, createSimulatedServer] as ((
      options: unknown,
    ) => unknown)[]) {
      for (const options of STRANGE) expect(() => make(options)).toThrow(refused('options'))
      expect(() => make({ fautls: {} })).toThrow(refused('fautls'))
    }
  })

  it.each<[string, string, unknown]>([
    ['seed', 'seed', '7'],
    ['seed', 'seed', -1],
    ['seed', 'seed', 2 ** 32],
    ['time', 'time', {}],
    ['time', 'time', null],
    ['wire', 'wire', 5],
    ['latencyMs', 'latencyMs', 5],
    ['latencyMs', 'latencyMs', [5]],
    ['latencyMs', 'latencyMs', [Number.NaN, Number.NaN]],
    ['probes', 'probes', 'yes'],
    ['faults', 'faults', null],
    ['faults', 'faults', 'request-lost'],
    ['faults', 'faults.rate', {}],
    ['faults', 'faults.rate', { rate: '0.5' }],
    ['faults', 'faults.types', { rate: 1, types: 'late' }],
    ['faults', 'faults.types', { rate: 1, types: null }],
    ['faults', 'faults.delayMaxMs', { rate: 1, delayMaxMs: Number.NaN }],
    ['faults', 'faults.outages', { rate: 0, outages: null }],
    ['faults', 'faults.outages.upMs', { rate: 0, outages: {} }],
    ['faults', 'faults.outages.up', { rate: 0, outages: { up: [1, 2] } }],
    ['faults', 'faults.rates', { rates: 1 }],
  ])('D8 is refused as %s of a network, naming %s (%j)', (option, path, value) => {
    expect(() => createSimulatedNetwork({ [option]: value })).toThrow(refused(path))
  })

  it.each([null, 5, 'nowhere', 'ftp://a.test', 'http://a.test/?q=1', 'http://a.test/#a'])(
    'E10 is refused as the base URL of a server (%j)',
    (baseURL) => {
      expect(() => createSimulatedServer({ baseURL: baseURL as string })).toThrow(refused('baseURL'))
    },
  )

  it('D8 is refused as the state of a network, and as the end of its lines', () => {
    const { setOnline, setCaptive, closeLines, connectivity } = createSimulatedNetwork()
    for (const state of [undefined, ...STRANGE.filter((one) => typeof one !== 'boolean')]) {
      expect(() => setOnline(state as never)).toThrow(refused('online'))
      expect(() => setCaptive(state as never)).toThrow(refused('captive'))
    }
    for (const code of [null, '1012', Number.NaN, 0, 999, 1012.5, 5000])
      expect(() => closeLines({ code } as never)).toThrow(refused('end.code'))
    for (const retryAfterMs of [null, '5', Number.NaN, -1, Infinity])
      expect(() => closeLines({ retryAfterMs } as never)).toThrow(refused('end.retryAfterMs'))
    expect(() => closeLines({ reason: 5 } as never)).toThrow(refused('end.reason'))
    expect(connectivity.online()).toBe(true)
  })

  it('E10 is refused as what another client writes, and as the name of a resource', () => {
    const server = createSimulatedServer()
    const put = server.put as (entity: unknown, id: unknown, value: unknown) => void
    const get = server.get as (entity: unknown, id: unknown) => unknown
    for (const name of [undefined, null, 5, '', '\ud800']) {
      for (const call of [put, get]) {
        expect(() => call('note', name, {})).toThrow(refused('id'))
        expect(() => call(name, 'n1', {})).toThrow(refused('entity'))
      }
    }
    for (const title of [undefined, 1n, Number.NaN, new Date(0), () => {}])
      expect(() => put('note', 'n1', { title })).toThrow(refused('value.title'))
    for (const value of [null, 5, 'x', []]) expect(() => put('note', 'n1', value)).toThrow(refused('note/n1'))
    expect([server.effects(), server.list('note')]).toEqual([[], []])
  })

  it('F6 is refused as a span of time, and as something to wait for', async () => {
    const time = createSimulatedTime()
    const { clock } = time.ports
    for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(() => time.jump(ms)).toThrow(refused('byMs'))
      expect(() => clock.schedule(() => {}, ms)).toThrow(refused('delayMs'))
      await expect(time.run(ms)).rejects.toEqual(refused('forMs'))
      await expect(time.runUntil(() => true, { limitMs: ms })).rejects.toEqual(refused('limitMs'))
    }
    for (const goal of [undefined, ...STRANGE]) await expect(time.runUntil(goal as never)).rejects.toEqual(refused('goal'))
    await expect(time.runUntil(() => true, null as never)).rejects.toEqual(refused('options'))
    await time.run(10)
    expect([time.elapsedMs(), clock.monotonic()]).toEqual([10, 10])
  })

  it('F6 leaves nothing scheduled where it was refused', async () => {
    const time = createSimulatedTime()
    const passes = time.run(10)
    await expect(time.run(1_000_000)).rejects.toMatchObject({ code: 'time-runs' })
    await passes
    await expect(time.runUntil(() => false)).rejects.toThrow('nothing is scheduled')
    expect(time.elapsedMs()).toBe(10)
  })
})

describe('a fault script that is wrong', () => {
  const scripts: readonly [string, string, FaultScript][] = [
    ['a fault that there is not', 'faults.type', () => ({ type: 'nope' }) as never],
    ['a fault without a type', 'faults.type', () => ({}) as never],
    ['null', 'faults', () => null as never],
    ['a number', 'faults', () => 5 as never],
    ['a text', 'faults', () => 'late' as never],
    ['a promise', 'faults', (async () => ({ type: 'request-lost' })) as never],
    ['no status', 'faults.status', () => ({ type: 'error-status' }) as never],
    ['a status of success', 'faults.status', () => ({ type: 'error-status', status: 200 })],
    ['half a status', 'faults.status', () => ({ type: 'error-after-effect', status: 500.5 })],
    ['a delay that is no number', 'faults.thereMs', () => ({ type: 'late', thereMs: Number.NaN })],
    ['a delay that is a text', 'faults.backMs', () => ({ type: 'late', backMs: '5' }) as never],
    ['a delay below 0', 'faults.afterMs', () => ({ type: 'duplicated', afterMs: -1 })],
    ['a delay without an end', 'faults.thereMs', () => ({ type: 'late', thereMs: Infinity })],
    ['a header that is no text', 'faults.retryAfter', () => ({ type: 'error-status', status: 503, retryAfter: 5 }) as never],
    ['a field of another fault', 'faults.afterMs', () => ({ type: 'late', afterMs: 5 }) as never],
  ]

  it.each(scripts)('D8 and gives %s ends the run, naming %s', async (_, path, faults) => {
    const world = await simulated({ faults })
    await expect(saved(world, 'n1')).rejects.toEqual(refused(path))
    expect(world.server.effects()).toEqual([])
    expect(world.network.log()).toMatchObject([{ number: 1, fault: undefined, answer: 'validation' }])
    world.network.setFaults(undefined)
    await world.time.run(60_000)
    expect(world.server.effects()).toHaveLength(1)
  })

  it('D8 and throws ends the run with what it threw', async () => {
    const world = await simulated({
      faults: () => {
        throw new RangeError('No such fault.')
      },
    })
    await expect(saved(world, 'n1')).rejects.toThrow(new RangeError('No such fault.'))
  })
})

describe('a wire that gives what is no answer', () => {
  const headers = { 'content-type': 'application/json' }
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a Response', new Response('{}', { status: 201 })],
    ['a body that is no text', { status: 201, headers, data: { id: 'n1' } }],
    ['no headers', { status: 201, data: '{}' }],
    ['the headers of a Response', { status: 201, headers: new Headers(headers), data: '{}' }],
    ['a status that is no number', { status: '201', headers, data: '{}' }],
  ])('D8 as %s ends the run', async (_, answer) => {
    const time = createSimulatedTime()
    const { send } = createSimulatedNetwork({ time, wire: async () => answer as never }).transport({ baseURL: 'http://api.test' })
    await expect(time.runUntil(send(request(), context()))).rejects.toEqual(refused('wire'))
  })

  it('D8 has names of headers as it likes', async () => {
    const wire: Wire = async () => ({ status: 200, headers: { ETag: '"7"' }, data: '{"id":"n1"}' })
    const { send } = createSimulatedNetwork({ wire }).transport({ baseURL: 'http://api.test' })
    expect(await send(request(), context())).toMatchObject({ type: 'applied', version: '7' })
  })
})

describe('what a simulated server gives', () => {
  it('E10 is a copy: who changes it changes nothing', async () => {
    const server = createSimulatedServer()
    server.put('note', 'n1', { deep: { list: [1] } })
    for (const given of [server.get('note', 'n1'), server.list('note')[0]]) Object.assign(given!['deep']!, { list: [] })
    await settle()
    expect(server.get('note', 'n1')).toEqual({ id: 'n1', deep: { list: [1] } })
  })
})

describe('what testModel is given', () => {
  const machine = createMachine({
    id: 'm',
    initial: 'a',
    states: { a: { on: { GO: 'b' } }, b: { invoke: { src: 'load', onDone: 'a', onSnapshot: 'a' } } },
  })
  const good = { inputs: [undefined], events: { GO: [{ type: 'GO' }] } }

  it.each<[string, object | undefined]>([
    ['options', undefined],
    ['input', { input: [] }],
    ['inputs', { ...good, inputs: undefined }],
    ['inputs', { ...good, inputs: [] }],
    ['events', { ...good, events: undefined }],
    ['events.GO', { ...good, events: { GO: { type: 'GO' } } }],
    ['events.GO', { ...good, events: { GO: [{ type: 'G0' }] } }],
    ['events.STAY', { ...good, events: { STAY: [{ type: 'STAY' }] } }],
    ['events.GO', { ...good, events: { GO: () => undefined } }],
    ['events.GO', { ...good, events: { GO: async () => [{ type: 'GO' }] } }],
    ['events.GO', { ...good, events: { GO: () => ({ type: 'GO' }) } }],
    ['events.GO', { ...good, events: { GO: () => [{ type: 'G0' }] } }],
    ['events.GO', { ...good, events: { GO: () => [null] } }],
    ['outputs.load', { ...good, outputs: { load: 1 } }],
    ['outputs.load', { ...good, outputs: { load: () => 1 } }],
    ['outputs.laod', { ...good, outputs: { laod: [1] } }],
    ['snapshots.load', { ...good, snapshots: { load: () => undefined } }],
    ['errors', { ...good, errors: 'failed' }],
    ['key', { ...good, key: 1 }],
    ['limit', { ...good, limit: 0 }],
  ])('F6 is refused for %s, which it names', (path, options) => {
    expect(() => testModel(machine, options as never)).toThrow(refused(path))
    expect(testModel(machine, good as never).coverage).toBeDefined()
  })

  it('F6 is refused as a machine where it is none, or an actor of one', () => {
    for (const given of [undefined, ...STRANGE, {}, createActor(machine), () => machine])
      expect(() => testModel(given as never, good as never)).toThrow(refused('machine'))
  })
})

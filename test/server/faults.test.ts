import { describe, expect, it } from 'vitest'
import { faultKinds } from '../../src/server/index.ts'
import type { FaultKind, FaultOptions } from '../../src/server/index.ts'
import { drawFault, planFaults } from '../../src/server/faults.ts'
import { seededRandom } from '../../src/server/random.ts'
import { problem, read, serve } from './support.ts'
import type { Call, Reply } from './support.ts'

const only = (kind: FaultKind, more: Partial<FaultOptions> = {}): FaultOptions => ({ rate: 1, weights: { [kind]: 1 }, ...more })
const create = (call: Call, key = 'k', id = 'n1') => call('POST', '/note', { key, body: { id } })

/** The reply, or the code of the network's error. */
async function attempt(work: Promise<Reply>): Promise<Reply | string> {
  try {
    return await work
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    return cause instanceof Error && 'code' in cause ? String(cause.code) : 'no code'
  }
}

async function retryWithoutFaults(call: Call, server: { setFaults(options: undefined): void }): Promise<Reply> {
  server.setFaults(undefined)
  return create(call)
}

describe('a fault before the effect', () => {
  it('D8 drop-request resets the connection and applies nothing', async () => {
    const { server, call } = await serve({ faults: only('drop-request') })
    expect(await attempt(create(call))).toMatch(/^(ECONNRESET|UND_ERR_SOCKET)$/)
    expect([server.ledger(), server.faults()['drop-request']]).toEqual([[], 1])
    const retried = await retryWithoutFaults(call, server)
    expect([retried.status, retried.headers.get('idempotency-replayed')]).toEqual([201, null])
  })

  it('D8 drop-request gives a network error to who calls without a network', async () => {
    const { server } = await serve({ faults: only('drop-request') })
    const response = await server.fetch(new Request('http://local/note/n1'))
    expect([response.type, response.status]).toEqual(['error', 0])
  })

  it.each<[FaultKind, number, string]>([
    ['too-many-requests', 429, 'too-many-requests'],
    ['unavailable', 503, 'unavailable'],
    ['in-progress', 409, 'idempotency-in-progress'],
  ])('D8 %s answers %d with Retry-After and applies nothing', async (kind, status, name) => {
    const { server, call } = await serve({ faults: only(kind, { retryAfterMaxSeconds: 3 }) })
    const waits = new Set<string | null>()
    for (let at = 0; at < 40; at += 1) {
      const reply = await create(call)
      expect([reply.status, reply.json.type]).toEqual([status, problem(name)])
      waits.add(reply.headers.get('retry-after'))
    }
    expect(waits).toEqual(new Set(['0', '1', '2', '3']))
    expect([server.ledger(), server.faults()[kind]]).toEqual([[], 40])
    expect((await retryWithoutFaults(call, server)).headers.get('idempotency-replayed')).toBe(null)
  })

  it('D8 precondition-failed answers 412, applies nothing and is not kept under the key', async () => {
    const { server, call } = await serve()
    await create(call, 'k0')
    server.setFaults(only('precondition-failed'))
    const patch = () => call('PATCH', '/note/n1', { key: 'k1', body: { a: 1 }, headers: { 'if-match': '"1"' } })
    expect((await patch()).json.type).toBe(problem('precondition-failed'))
    expect(server.ledger()).toHaveLength(1)
    server.setFaults(undefined)
    expect((await patch()).status).toBe(200)
  })

  it('S13 precondition-failed spares requests without a condition, batches, and keys that have an answer, for there a 412 would be a lie', async () => {
    const { server, call } = await serve({ faults: only('precondition-failed') })
    expect((await create(call, 'k0')).status).toBe(201)
    server.setFaults(undefined)
    const patch = () => call('PATCH', '/note/n1', { key: 'k1', body: { a: 1 }, headers: { 'if-match': '"1"' } })
    expect((await patch()).status).toBe(200)
    server.setFaults(only('precondition-failed'))
    expect((await patch()).headers.get('idempotency-replayed')).toBe('true')
    const operations = [
      { method: 'PATCH', path: '/note/n1', headers: { 'idempotency-key': '"k2"', 'if-match': '"2"' }, body: { a: 2 } },
    ]
    expect((await call('POST', '/batch', { body: { operations } })).json.results[0]?.status).toBe(200)
    expect(server.faults()['precondition-failed']).toBe(0)
  })

  it('D8 delay holds the request back and then serves it', async () => {
    const { server, call } = await serve({ faults: only('delay', { delayMaxMs: 10 }) })
    expect((await create(call)).status).toBe(201)
    expect((await call('GET', '/note/n1')).status).toBe(200)
    expect(server.faults().delay).toBe(2)
  })
})

describe('a fault after the effect', () => {
  it('D8 drop-response applies, then resets the connection; the retry is told what happened', async () => {
    const { server, call } = await serve({ faults: only('drop-response') })
    expect(await attempt(create(call))).toMatch(/^(ECONNRESET|UND_ERR_SOCKET)$/)
    expect(server.ledger()).toHaveLength(1)
    const retried = await retryWithoutFaults(call, server)
    expect([retried.status, retried.headers.get('idempotency-replayed'), server.ledger().length]).toEqual([201, 'true', 1])
  })

  it('D8 error-after applies, then answers 500', async () => {
    const { server, call } = await serve({ faults: only('error-after') })
    expect((await create(call)).json.type).toBe(problem('internal'))
    expect(server.ledger()).toHaveLength(1)
    expect((await retryWithoutFaults(call, server)).headers.get('idempotency-replayed')).toBe('true')
  })

  it('D8 malformed applies, then answers 200 with JSON that is cut off or with HTML', async () => {
    const { server } = await serve({ faults: only('malformed') })
    const forms = new Set<string>()
    for (let at = 0; at < 20; at += 1) {
      const response = await fetch(`${server.url}/note`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `"k${at}"` },
        body: JSON.stringify({ id: `n${at}` }),
      })
      const text = await response.text()
      expect(response.status).toBe(200)
      expect(() => JSON.parse(text)).toThrow(SyntaxError)
      forms.add(response.headers.get('content-type') ?? '')
    }
    expect([...forms].toSorted()).toEqual(['application/json', 'text/html'])
    expect(server.ledger()).toHaveLength(20)
  })
})

describe('a batch', () => {
  it.each<[FaultKind, number]>([
    ['drop-request', 0],
    ['drop-response', 2],
    ['too-many-requests', 0],
    ['in-progress', 0],
    ['malformed', 2],
    ['error-after', 2],
  ])('D8 is hit as a whole by %s: %d of 2 effects', async (kind, effects) => {
    const { server } = await serve({ faults: only(kind) })
    const operations = ['a', 'b'].map((id) => ({
      method: 'POST',
      path: '/note',
      headers: { 'idempotency-key': `"${id}"` },
      body: { id },
    }))
    const post = () =>
      fetch(`${server.url}/batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ operations }),
      })
    await post().catch(() => undefined)
    expect(server.ledger()).toHaveLength(effects)
    server.setFaults(undefined)
    const { json } = await read(await post())
    expect(json.results.map(({ status }) => status)).toEqual([201, 201])
    expect(server.ledger()).toHaveLength(2)
  })
})

describe('the plan of faults', () => {
  const target = { write: true, mayFailPrecondition: true }
  const draw = (seed: number, options: FaultOptions, count: number) => {
    const [random, plan] = [seededRandom(seed), planFaults(options)]
    return Array.from({ length: count }, () => drawFault(random, plan, target))
  }

  it('S30 gives the same faults for the same seed, and others for another', () => {
    expect(draw(7, { rate: 0.3 }, 200)).toEqual(draw(7, { rate: 0.3 }, 200))
    expect(draw(8, { rate: 0.3 }, 200)).not.toEqual(draw(7, { rate: 0.3 }, 200))
  })

  it('D8 hits as many requests as the rate says, with every kind alike', () => {
    const faults = draw(1, { rate: 0.3 }, 20_000).filter((fault) => fault !== undefined)
    expect(faults.length / 20_000).toBeCloseTo(0.3, 1)
    for (const kind of faultKinds) {
      expect(faults.filter((fault) => fault.kind === kind).length / faults.length).toBeCloseTo(1 / faultKinds.length, 1)
    }
  })

  it('D8 hits nobody at rate 0, and only with the kinds that have a weight', () => {
    expect(draw(1, { rate: 0 }, 100)).toEqual(Array.from({ length: 100 }))
    const kinds = draw(1, { rate: 1, weights: { delay: 1, malformed: 3 } }, 400).map((fault) => fault?.kind)
    expect(new Set(kinds)).toEqual(new Set(['delay', 'malformed']))
    expect(kinds.filter((kind) => kind === 'malformed').length / 400).toBeCloseTo(0.75, 1)
  })

  it('D8 does not know other kinds', () => {
    const weights = JSON.parse('{"flood":1}')
    expect(() => planFaults({ rate: 1, weights })).toThrow(/flood/)
  })
})

it('S4 S9 has every effect once and in order when clients retry through all faults', async () => {
  const { server, call } = await serve({ faults: { rate: 0.5, seed: 42, retryAfterMaxSeconds: 0, delayMaxMs: 5 } })
  const lanes = Array.from({ length: 8 }, (_, lane) => drain(call, `n${lane}`, 20))
  await Promise.all(lanes)
  const ledger = server.ledger()
  expect(new Set(ledger.map(({ key }) => key)).size).toBe(ledger.length)
  expect(ledger).toHaveLength(8 * 20)
  for (let lane = 0; lane < 8; lane += 1) {
    const sequences = ledger.filter(({ id }) => id === `n${lane}`).map(({ sequence }) => sequence)
    expect(sequences).toEqual(Array.from({ length: 20 }, (_, at) => at))
  }
  for (const kind of faultKinds.filter((candidate) => candidate !== 'precondition-failed'))
    expect(server.faults()[kind], kind).toBeGreaterThan(0)
})

/** Sends one write after the other to a resource, each until it is certainly applied. */
async function drain(call: Call, id: string, count: number): Promise<void> {
  for (let sequence = 0; sequence < count; sequence += 1) {
    const headers = { 'synchart-sequence': String(sequence) }
    for (;;) {
      const reply = await call('PUT', `/note/${id}`, { key: `${id}-${sequence}`, body: { sequence }, headers }).catch(
        () => undefined,
      )
      if (reply?.json?.sequence === sequence && (reply.status === 200 || reply.status === 201)) break
    }
  }
}

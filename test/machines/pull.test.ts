import { describe, expect, it } from 'vitest'
import { createActor, fromCallback, fromPromise, type AnyEventObject } from 'xstate'
import { pullMachine, type PageInput, type PageResult, type PullEvent, type PullTarget } from '../../machines/pull.ts'
import { machineClock } from '../../src/engine/machine-clock.ts'
import { createVirtualClock, settle } from '../support/virtual-clock.ts'
import { pageResult, partsResult, REST_MS, RETRY_MS } from './models/pull.ts'

/** A pull machine whose pages are answered by the test. */
function makePull(entities: readonly string[] = []) {
  const clock = createVirtualClock()
  const reports: string[] = []
  const asked: PageInput[] = []
  let called = 0
  let answer = (_: PageResult): void => {}
  let breakPage = (): void => {}
  const parent = createActor(fromCallback<AnyEventObject>(({ receive }) => receive(({ type }) => void reports.push(type))))
  parent.start()
  const page = fromPromise<PageResult, PageInput>(({ input, signal }) => {
    asked.push(input)
    signal.addEventListener('abort', () => (called += 1))
    return new Promise((resolve, reject) => {
      answer = resolve
      breakPage = () => reject(new Error('broken'))
    })
  })
  const actor = createActor(pullMachine.provide({ actors: { page } }), {
    input: { parent, entities },
    clock: machineClock(clock),
  })
  actor.start()

  return {
    clock,
    reports,
    state: () => actor.getSnapshot().value,
    calledOff: () => called,
    /** What was asked for since this was last called. */
    asked: () =>
      asked
        .splice(0)
        .map(({ entity, scope, full, failures }) =>
          [scope ?? entity, ...(full ? ['full'] : []), ...(failures > 0 ? [failures] : [])].join(' '),
        ),
    async send(event: PullEvent): Promise<void> {
      actor.send(event)
      await settle()
    },
    async pull(...targets: readonly (string | PullTarget)[]): Promise<void> {
      actor.send({ type: 'PULL', targets: targets.map((one) => (typeof one === 'string' ? { entity: one, full: false } : one)) })
      await settle()
    },
    async answer(type: PageResult['type'], { began = false, delayMs = Infinity }: Partial<PageResult> = {}): Promise<void> {
      answer(pageResult(type, began, delayMs))
      await settle()
    },
    async divide(...scopes: readonly string[]): Promise<void> {
      answer(partsResult(scopes))
      await settle()
    },
    async break(): Promise<void> {
      breakPage()
      await settle()
    },
  }
}

async function going(...entities: readonly string[]) {
  const pull = makePull(entities)
  await pull.send({ type: 'GO' })
  return pull
}

describe('a pull', () => {
  it('B12 asks for nothing by itself before it may go, and then for all that is pulled by itself, one after the other', async () => {
    const pull = makePull(['note', 'task'])
    await pull.clock.advance(10 * REST_MS)
    expect([pull.state(), pull.asked()]).toEqual(['held', []])
    await pull.send({ type: 'GO' })
    await pull.answer('more')
    await pull.answer('complete', { delayMs: REST_MS })
    await pull.answer('complete', { delayMs: REST_MS + 1 })
    expect([pull.state(), pull.asked()]).toEqual([{ going: 'waiting' }, ['note', 'note', 'task']])
  })

  it('B12 asks again after the shortest rest of the round', async () => {
    const pull = await going('note')
    await pull.answer('complete', { delayMs: REST_MS })
    pull.asked()
    await pull.clock.advance(REST_MS - 1)
    expect(pull.asked()).toEqual([])
    await pull.clock.advance(1)
    expect(pull.asked()).toEqual(['note'])
  })

  it('B12 where nothing is pulled by itself it waits for a wish, with no timer', async () => {
    const pull = await going()
    await pull.pull('note')
    await pull.answer('complete')
    expect([pull.state(), pull.clock.pending(), pull.asked()]).toEqual([{ going: 'idle' }, 0, ['note']])
    await pull.pull('task')
    expect(pull.asked()).toEqual(['task'])
  })

  it('L5 remembers what was wanted while it was held', async () => {
    const pull = makePull()
    await pull.pull('note')
    await pull.pull('note', { entity: 'task', full: true })
    await pull.send({ type: 'GO' })
    await pull.answer('complete')
    expect(pull.asked()).toEqual(['note', 'task full'])
  })

  it('B12 pulls again what is wanted while it is under way: the present pages may be older than the wish', async () => {
    const pull = await going('note')
    await pull.pull('note')
    await pull.pull('note')
    await pull.answer('more')
    await pull.answer('complete')
    expect(pull.asked()).toEqual(['note', 'note', 'note'])
    await pull.answer('complete')
    expect(pull.state()).toEqual({ going: 'idle' })
  })

  it('S21 begins from the beginning once, and goes on from there after a failure', async () => {
    const pull = await going()
    await pull.pull({ entity: 'note', full: true })
    await pull.answer('failed', { delayMs: RETRY_MS })
    await pull.clock.advance(RETRY_MS)
    await pull.answer('failed', { began: true, delayMs: RETRY_MS })
    await pull.clock.advance(RETRY_MS)
    expect(pull.asked()).toEqual(['note full', 'note full 1', 'note 2'])
  })

  it('L4 one kind that can not be pulled keeps no other waiting, and counts its failures alone', async () => {
    const pull = await going('note', 'task')
    await pull.answer('failed', { delayMs: RETRY_MS })
    await pull.answer('complete', { delayMs: REST_MS })
    expect(pull.asked()).toEqual(['note', 'task'])
    await pull.clock.advance(RETRY_MS)
    expect(pull.asked()).toEqual(['note 1'])
    await pull.answer('failed', { delayMs: RETRY_MS })
    await pull.answer('complete', { delayMs: REST_MS })
    await pull.clock.advance(RETRY_MS)
    expect(pull.asked()).toEqual(['task', 'note 2'])
    await pull.answer('more')
    expect(pull.asked()).toEqual(['note'])
  })

  it('E5 divides a kind into its parts when its turn comes, and pulls them in their order', async () => {
    const pull = await going('note', 'task')
    await pull.divide('p1', 'p2')
    await pull.answer('more')
    await pull.answer('complete', { delayMs: REST_MS })
    await pull.answer('complete', { delayMs: REST_MS })
    await pull.answer('complete', { delayMs: REST_MS })
    expect([pull.state(), pull.asked()]).toEqual([{ going: 'waiting' }, ['note', 'p1', 'p1', 'p2', 'task']])
    await pull.clock.advance(REST_MS)
    await pull.divide()
    expect(pull.asked()).toEqual(['note', 'task'])
  })

  it('E5 L4 one part that can not be pulled keeps no other waiting, counts its failures alone and is asked for once a round', async () => {
    const pull = await going('note')
    await pull.divide('p1', 'p2')
    await pull.answer('failed', { delayMs: RETRY_MS })
    await pull.answer('complete', { delayMs: REST_MS })
    expect(pull.asked()).toEqual(['note', 'p1', 'p2'])
    await pull.clock.advance(RETRY_MS)
    await pull.divide('p1', 'p2')
    expect(pull.asked()).toEqual(['note', 'p1 1'])
    await pull.answer('failed', { delayMs: RETRY_MS })
    expect(pull.asked()).toEqual(['p2'])
  })

  it('E5 S21 begins each part from the beginning once where the whole is wanted so', async () => {
    const pull = await going()
    await pull.pull({ entity: 'note', full: true })
    await pull.divide('p1', 'p2')
    await pull.answer('more', { began: true })
    await pull.answer('complete', { began: true })
    expect(pull.asked()).toEqual(['note full', 'p1 full', 'p1', 'p2 full'])
  })

  it('L5 a wish ends the wait', async () => {
    const pull = await going()
    await pull.pull('note')
    await pull.answer('failed', { delayMs: REST_MS })
    await pull.pull('task')
    await pull.answer('complete')
    expect(pull.asked()).toEqual(['note', 'note 1', 'task'])
  })

  it('L5 a page that breaks is asked for again', async () => {
    const pull = await going('note')
    await pull.break()
    expect(pull.state()).toEqual({ going: 'waiting' })
    await pull.clock.advance(60_000)
    expect(pull.asked()).toEqual(['note', 'note 1'])
  })

  it('A8 HOLD calls the page off, and it is asked for again at GO', async () => {
    const pull = await going('note')
    await pull.send({ type: 'HOLD' })
    expect([pull.state(), pull.calledOff()]).toEqual(['held', 1])
    await pull.send({ type: 'GO' })
    expect(pull.asked()).toEqual(['note', 'note'])
    await pull.answer('complete')
    expect(pull.state()).toEqual({ going: 'idle' })
  })

  it.each([
    ['S24 missing credentials are', 'auth', 'PULL.AUTH_NEEDED'],
    ['S10 a page that is fenced off is', 'fenced', 'PULL.FENCED'],
  ] as const)('%s reported, and nothing is asked for until GO, which goes on with it', async (_, answer, report) => {
    const pull = await going('note')
    await pull.answer(answer)
    await pull.clock.advance(10 * REST_MS)
    expect([pull.state(), pull.reports, pull.asked()]).toEqual(['held', [report], ['note']])
    await pull.send({ type: 'GO' })
    expect(pull.asked()).toEqual(['note'])
  })
})

import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import axios from 'axios'
import { CompositeError, createCompositeService, isNetworkFailure, type CompositeOptions } from '../src/composite.ts'
import { ClientError, ConflictError, NetworkError, ServerError, SyncError, TimeoutError } from '../src/core/errors.ts'
import { nobody } from './adapters/support/http-world.ts'

interface Notes {
  save(id: string, title: string): Promise<string>
  title(id: string): Promise<string | undefined>
}

/** A class with private state, and a helper that is no part of the interface. */
class Shelf implements Notes {
  readonly #titles = new Map<string, string>()
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }
  async save(id: string, title: string): Promise<string> {
    this.#titles.set(id, title)
    return this.signed(id)
  }
  async title(id: string): Promise<string | undefined> {
    return this.#titles.get(id)
  }
  signed(id: string): string {
    return `${this.#name}:${id}`
  }
}

class BigShelf extends Shelf {}

function failing(error: unknown): Notes {
  const fail = async (): Promise<never> => {
    throw error
  }
  return { save: fail, title: fail }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

const gone = new NetworkError('Gone.')

function composite(given: Partial<CompositeOptions<Notes>> = {}): Notes {
  return createCompositeService<Notes>({
    online: new BigShelf('online'),
    offline: new Shelf('offline'),
    isOnline: () => true,
    ...given,
  })
}

describe('a composite service', () => {
  it.each([
    [true, 'online:n1'],
    [false, 'offline:n1'],
  ])('D4 calls the implementation that connectivity (%s) asks for, on itself', async (online, said) => {
    expect(await composite({ isOnline: () => online }).save('n1', 'Hi')).toBe(said)
    expect(await composite({ isOnline: async () => online }).save('n1', 'Hi')).toBe(said)
  })

  it('D4 asks before each call, and looks the same wherever it goes', async () => {
    let online = true
    const service = composite({ isOnline: () => online })
    const { save } = service
    expect(await save('n1', 'Hi')).toBe('online:n1')
    online = false
    expect(await save('n1', 'Ho')).toBe('offline:n1')
    expect(await service.title('n1')).toBe('Ho')
    expect(service.save).toBe(save)
    expect(service).toBeInstanceOf(BigShelf)
    expect(await Promise.resolve(service)).toBe(service)
    expect(service.constructor).toBe(BigShelf)
  })

  it.each<[string, unknown]>([
    ['a NetworkError', gone],
    ['a TimeoutError', new TimeoutError('Late.')],
    ["a signal's time limit", new DOMException('Late.', 'TimeoutError')],
    ['a code of Node', Object.assign(new Error('x'), { code: 'ECONNRESET' })],
    ['a code of axios', Object.assign(new Error('x'), { code: 'ERR_NETWORK' })],
    ['a cause that is one', new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET' }) })],
    ['a cause of a cause', new SyncError('app', 'x', { cause: new Error('y', { cause: gone }) })],
  ])('D4 falls back to the offline one after %s', async (_, error) => {
    expect(await composite({ online: failing(error) }).save('n1', 'Hi')).toBe('offline:n1')
  })

  it('D4 falls back after the failures of real connections', async () => {
    const url = await nobody()
    const calls: (() => Promise<unknown>)[] = [() => fetch(url), () => axios.get(url), () => fetch('http://no-such-host.invalid')]
    for (const call of calls) {
      const online: Notes = { save: async () => String(await call()), title: async () => String(await call()) }
      expect(await composite({ online }).save('n1', 'Hi')).toBe('offline:n1')
    }
    const slow = createServer(() => {})
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
    const address = slow.address() as { port: number }
    const late = await failureOf(fetch(`http://127.0.0.1:${address.port}`, { signal: AbortSignal.timeout(10) }))
    slow.closeAllConnections()
    slow.close()
    expect(isNetworkFailure(late)).toBe(true)
  })

  it.each<[string, unknown]>([
    ['a refusal', new ClientError('No.', { status: 422 })],
    ['a conflict', new ConflictError('Stale.', { status: 412 })],
    ['a failure of the server', new ServerError('Broken.', { status: 500 })],
    ['a mistake in the code', new TypeError('x is not a function')],
    ['an error whose message sounds like the network', new Error('network timeout ECONNRESET')],
    ['an abort by the caller', new DOMException('Stop.', 'AbortError')],
    ['a string', 'no'],
    ['nothing', undefined],
    ['null', null],
  ])('D4 never falls back after %s: the caller gets what was thrown', async (_, error) => {
    let asked = 0
    const offline: Notes = { save: async () => String((asked += 1)), title: async () => String((asked += 1)) }
    const service = composite({ online: failing(error), offline })
    await expect(
      service.save('n1', 'Hi').then(
        () => 'resolved',
        (thrown: unknown) => thrown === error,
      ),
    ).resolves.toBe(true)
    expect(asked).toBe(0)
  })

  it('D4 an error whose causes go round in a circle is looked through once', () => {
    const error = new Error('a')
    error.cause = new Error('b', { cause: error })
    expect(isNetworkFailure(error)).toBe(false)
  })

  it('D4 D5 when both fail says so in a typed error that keeps both', async () => {
    const full = new SyncError('storage-quota', 'Full.')
    const error = await failureOf(composite({ online: failing(gone), offline: failing(full) }).save('n1', 'Hi'))
    expect(error).toBeInstanceOf(CompositeError)
    expect(error).toBeInstanceOf(SyncError)
    expect(error).toMatchObject({ name: 'CompositeError', code: 'both-failed', retryable: true, method: 'save' })
    const { errors, cause, message } = error as CompositeError
    expect(errors[0]).toBe(gone)
    expect(errors[1]).toBe(full)
    expect(cause).toBe(gone)
    expect(message).toContain('save')
  })

  it.each([
    ['a string', 'full'],
    ['nothing', undefined],
  ])('D5 keeps %s that the offline one threw', async (_, thrown) => {
    const error = await failureOf(composite({ online: failing(gone), offline: failing(thrown) }).save('n1', 'Hi'))
    expect((error as CompositeError).errors).toEqual([gone, thrown])
  })

  it('D4 offline from the start, a failure is the offline one’s own', async () => {
    const full = new SyncError('storage-quota', 'Full.')
    expect(await failureOf(composite({ offline: failing(full), isOnline: () => false }).save('n1', 'Hi'))).toBe(full)
  })

  it('D5 a synchronous throw is a rejection like any other', async () => {
    const sync = (error: unknown): Notes => {
      const fail = (): never => {
        throw error
      }
      return { save: fail, title: fail }
    }
    expect(await composite({ online: sync(gone) }).save('n1', 'Hi')).toBe('offline:n1')
    const refused = new ClientError('No.')
    expect(await failureOf(composite({ online: sync(refused) }).save('n1', 'Hi'))).toBe(refused)
    const both = await failureOf(composite({ online: sync(gone), offline: sync('full') }).save('n1', 'Hi'))
    expect((both as CompositeError).errors).toEqual([gone, 'full'])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('?')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('?'))],
  ])('D4 tries the online one where `isOnline` %s', async (_, isOnline: () => boolean | Promise<boolean>) => {
    expect(await composite({ isOnline }).save('n1', 'Hi')).toBe('online:n1')
    expect(await composite({ isOnline, online: failing(gone) }).save('n1', 'Hi')).toBe('offline:n1')
  })

  it('D4 a method that one of them lacks rejects by name, online as well', async () => {
    const { title } = failing('x')
    const half = { title } as Notes
    for (const isOnline of [() => true, () => false]) {
      expect(await failureOf(composite({ offline: half, isOnline }).save('n1', 'Hi'))).toMatchObject({ path: 'offline.save' })
      expect(await failureOf(composite({ online: half, isOnline }).save('n1', 'Hi'))).toMatchObject({ path: 'online.save' })
    }
    expect('then' in composite()).toBe(false)
    expect(Reflect.get(composite(), 'unknown')).toBeUndefined()
  })

  it('D4 takes frozen objects, and what makes its methods up as they are asked for', async () => {
    const online: Notes = Object.freeze(failing(gone))
    const offline = new Proxy({} as Notes, { get: (_, name) => async () => `made ${String(name)}` })
    expect(await composite({ online, offline }).save('n1', 'Hi')).toBe('made save')
  })

  it('D4 the application says which errors are of the network, as those of `fetch` in a browser', async () => {
    const online = failing(new TypeError('Failed to fetch'))
    expect(await failureOf(composite({ online }).save('n1', 'Hi'))).toBeInstanceOf(TypeError)
    const isNetworkError = (error: unknown): boolean => error instanceof TypeError || isNetworkFailure(error)
    expect(await composite({ online, isNetworkError }).save('n1', 'Hi')).toBe('offline:n1')
  })

  it.each([
    [{ online: undefined }, 'online'],
    [{ offline: 'x' }, 'offline'],
    [{ isOnline: true }, 'isOnline'],
    [{ isNetworkError: 'ECONNRESET' }, 'isNetworkError'],
  ])('D4 refuses %o', (given, name) => {
    expect(() => composite(given as never)).toThrow(name)
  })

  it('D4 A10 the example loses an answer and its server, and has each order there once', async () => {
    const example = new URL('../examples/composite.mjs', import.meta.url).pathname
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [example])
    expect(stderr).toBe('')
    expect(stdout.split('\n')).toEqual([
      'o1 placed',
      'o2 kept',
      'o3 kept',
      "[ { status: 'done' }, { status: 'done' } ]",
      '3 effects for 3 orders',
      '',
    ])
  })
})

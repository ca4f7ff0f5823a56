import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { httpConnectivity, httpProbe, type HttpProbeOptions } from '../../src/adapters/http/index.ts'
import { answerJson, nobody, serve, serveRaw } from './support/http-world.ts'

const page = '<!doctype html><title>Log in</title>'

function html(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(page)
}

function bare(status: number, headers: Record<string, string> = {}, body = '') {
  return (response: ServerResponse): void => void response.writeHead(status, headers).end(body)
}

async function probed(answer: (response: ServerResponse) => void, options: Partial<HttpProbeOptions> = {}): Promise<boolean> {
  const { url } = await serve((_, response) => answer(response))
  return httpProbe({ baseURL: url, ...options })(new AbortController().signal)
}

describe('a probe of a real server', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['200 with JSON', (response) => answerJson(response, 200, { ok: true })],
    ['200 with plain text', bare(200, { 'content-type': 'text/plain' }, 'ok')],
    ['204', bare(204)],
    ['401', (response) => answerJson(response, 401, { type: 'about:blank' }, { 'www-authenticate': 'Bearer' })],
    ['403 without a body', bare(403)],
    ['404 with a problem', bare(404, { 'content-type': 'application/problem+json' }, '{"title":"Not found"}')],
    ['404 without a body', bare(404)],
    ['405', bare(405)],
    ['429', bare(429, { 'retry-after': '30' })],
    ['500', (response) => answerJson(response, 500, {})],
    ['503 without a body', bare(503)],
  ])('D1 takes %s for the API: the question is who answers, not what', async (_, answer) => {
    expect(await probed(answer)).toBe(true)
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['200 with a page', (response) => html(response, 200)],
    ['200 with a page that is said to be text', bare(200, { 'content-type': 'text/plain' }, `\n  ${page}`)],
    ['200 with a page of no type, behind a byte order mark', bare(200, {}, `\uFEFF${page}`)],
    ['200 with a page that is said to be JSON', bare(200, { 'content-type': 'application/json' }, page)],
    ['403 with a page', (response) => html(response, 403)],
    ['301', bare(301, { location: '/login' })],
    ['302', (response) => html(response, 302, { location: 'http://portal.invalid/login' })],
    ['307 without a place', bare(307)],
    ['407', bare(407, { 'proxy-authenticate': 'Basic' })],
    ['511', (response) => html(response, 511)],
    ['511 in JSON', (response) => answerJson(response, 511, {})],
    ['more than any probe asks for', bare(200, { 'content-type': 'text/plain' }, 'x'.repeat(70_000))],
  ])('D1 takes %s for a captive portal or none', async (_, answer) => {
    expect(await probed(answer)).toBe(false)
  })

  it.each(['HEAD', 'GET'] as const)(
    'D1 asks with %s, the path below the base URL, no credentials and no body',
    async (method) => {
      const { url, received } = await serve((_, response) => answerJson(response, 200, {}))
      expect(await httpProbe({ baseURL: `${url}/v2/`, path: '/health?deep=0', method })(new AbortController().signal)).toBe(true)
      expect(received.map(({ method: by, url: at, body }) => [by, at, body])).toEqual([[method, '/v2/health?deep=0', '']])
      expect(received[0]!.headers).not.toHaveProperty('authorization')
      expect(received[0]!.headers).not.toHaveProperty('cookie')
      expect(received[0]!.headers).not.toHaveProperty('idempotency-key')
    },
  )

  it('D1 never goes where a portal leads', async () => {
    const portal = await serve((_, response) => answerJson(response, 200, { ok: true }))
    const probe = await probed((response) => void response.writeHead(302, { location: portal.url }).end())
    expect([probe, portal.received]).toEqual([false, []])
  })

  it('D1 nobody listens, a connection that breaks, a name that does not exist: no network', async () => {
    const { signal } = new AbortController()
    expect(await httpProbe({ baseURL: await nobody() })(signal)).toBe(false)
    expect(await httpProbe({ baseURL: await serveRaw((socket) => socket.destroy()) })(signal)).toBe(false)
    expect(await httpProbe({ baseURL: 'http://no-such-host.invalid' })(signal)).toBe(false)
  })

  it('D1 a server that is silent is given up after timeoutMs, and by the signal at once', async () => {
    const url = await serveRaw(() => {})
    expect(await httpProbe({ baseURL: url, timeoutMs: 20 })(new AbortController().signal)).toBe(false)
    const controller = new AbortController()
    const probing = httpProbe({ baseURL: url, timeoutMs: 60_000 })(controller.signal)
    controller.abort()
    expect(await probing).toBe(false)
    expect(await httpProbe({ baseURL: url, timeoutMs: 60_000 })(controller.signal)).toBe(false)
  })

  it('D1 an API that answers in HTML says how to know it; a judge that fails says no', async () => {
    const expect1 = { expect: ({ body }: { body: string }) => body.includes('Log in') }
    expect(await probed((response) => html(response, 200), expect1)).toBe(true)
    expect(
      await probed((response) => html(response, 200), {
        expect: () => {
          throw new Error('never')
        },
      }),
    ).toBe(false)
  })

  it.each([
    [{ baseURL: 'ftp://a' }, 'baseURL'],
    [{ baseURL: 'http://a', path: '//b' }, 'path'],
    [{ baseURL: 'http://a', method: 'POST' }, 'method'],
    [{ baseURL: 'http://a', timeoutMs: 0 }, 'timeoutMs'],
    [{ baseURL: 'http://a', expect: 'ok' }, 'expect'],
    [{ baseURL: 'http://a', url: '/' }, 'url'],
    [undefined, 'httpProbe'],
  ])('D1 refuses %o, naming %s', (options, name) => {
    expect(() => httpProbe(options as HttpProbeOptions)).toThrow(name)
  })

  it("D1 joins the platform's word", async () => {
    const { url } = await serve((_, response) => answerJson(response, 200, {}))
    const { online, watch, probe } = httpConnectivity({ baseURL: url })
    expect(online()).toBe(true)
    watch(() => {})()
    expect(await probe!(new AbortController().signal)).toBe(true)
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startServer } from '../../src/server/index.ts'
import type { ListenOptions, ServerOptions, SynchartServer } from '../../src/server/index.ts'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Body
}

/** The parsed body, with the fields that one kind of answer or another has; all undefined if there is no JSON. */
export interface Body {
  readonly [field: string]: unknown
  readonly type: string
  readonly id: string
  readonly version: string
  readonly cursor: string
  readonly hasMore: boolean
  readonly changes: readonly { readonly id: string }[]
  readonly results: readonly Result[]
}

export interface Result {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
}

export interface CallOptions {
  readonly key?: string
  readonly body?: unknown
  /** Sent as it is. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

export type Call = (method: string, path: string, options?: CallOptions) => Promise<Reply>

/** A server on a free port that is closed when the test ends, and the function that calls it. */
export async function serve(
  options: ServerOptions & ListenOptions = {},
): Promise<{ server: SynchartServer & { url: string }; call: Call }> {
  const server = await startServer(options)
  onTestFinished(() => server.close())
  return { server, call: caller(server.url) }
}

export function caller(url: string): Call {
  return async (method, path, { key, body, text, headers } = {}) => {
    const payload = text ?? (body === undefined ? undefined : JSON.stringify(body))
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(payload === undefined ? {} : { 'content-type': type }),
        ...(key === undefined ? {} : { 'idempotency-key': `"${key}"` }),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
    })
    return read(response)
  }
}

export async function read(response: Response): Promise<Reply> {
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== ''
  return { status: response.status, headers: response.headers, text, json: JSON.parse(isJson ? text : '{}') }
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'synchart-server-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export const problem = (name: string): string => `urn:synchart:problem:${name}`

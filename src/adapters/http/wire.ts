import { AxiosHeaders, getAdapter } from 'axios'

/** A request as it goes to the HTTP client, credentials included. */
export interface OutgoingRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly maxBodyBytes: number
  readonly maxResponseBytes: number
  readonly signal: AbortSignal
}

/** What came back, as it came: nothing of it is to be relied on. */
export interface IncomingResponse {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly data: unknown
}

/** One exchange with the server, whatever its status. Rejects if there is no whole answer. */
export type Wire = (request: OutgoingRequest) => Promise<IncomingResponse>

/** By axios: its adapter alone. Its defaults, transforms and interceptors cost a tenth of a request and would do nothing here. */
export function axiosWire(): Wire {
  const adapter = getAdapter(['http', 'fetch'], { env: { fetch: fetchPlain } })
  return ({ url, method, headers, body, maxBodyBytes, maxResponseBytes, signal }) =>
    adapter({
      responseType: 'text',
      maxRedirects: 0,
      fetchOptions: { cache: 'no-store' },
      url,
      method,
      headers: new AxiosHeaders(headers),
      data: body ?? undefined,
      maxBodyLength: maxBodyBytes,
      maxContentLength: maxResponseBytes,
      signal,
    })
}

const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** Browsers give even an answer that can't have a body an empty one, and axios fails when it wraps that. */
async function fetchPlain(...request: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(...request)
  return WITHOUT_BODY.has(response.status) ? new Response(null, response) : response
}

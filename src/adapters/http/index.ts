import type { Transport } from '../../core/ports.ts'
import { systemClock } from '../system-clock.ts'
import type { HttpTransportOptions } from './options.ts'
import { transportOver } from './transport.ts'
import { axiosWire } from './wire.ts'

export { httpConnectivity, httpProbe, type HttpProbe, type HttpProbeOptions, type ProbeAnswer } from './probe.ts'

export type { BatchOptions, EntityRoutes, HttpAuth, HttpTransportOptions, Route, RouteFunction } from './options.ts'

/**
 * Brings operations to an HTTP API (RFC 9110) and reads entities from it; the default routes are the wire contract of the
 * reference server. Only the server of `baseURL` is ever spoken to, redirects are never followed, and tokens are fetched at send time.
 * Without a `batch` endpoint the transport has no `sendBatch`.
 *
 * In Node connections are kept alive by the platform's own agent, which lets the process exit. A browser tells nothing of why
 * a connection failed, so there every such failure is `unknown`.
 *
 * `prepare` throws a `ValidationError` where an id, a payload or a route can't be made into a request; nothing else throws or rejects.
 * @throws ValidationError that names the wrong option.
 */
export function httpTransport(options: HttpTransportOptions): Transport {
  return transportOver({ wire: axiosWire(), clock: systemClock }, options)
}

import { isIP } from 'node:net'

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * Whether a request is meant for this server, by its `Host`. A page whose own name leads to this machine (DNS rebinding) is of one origin with what listens there, and no CORS keeps
 * it out: where nobody has to say who he is, a server on the loopback is called by its address or as `localhost`. Who sends no `Host` is no browser.
 */
export function isCalled(host: string | undefined, hostname: string): boolean {
  if (host === undefined || !LOOPBACK.has(hostname)) return true
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name.replace(/^\[|\]$/g, '')) !== 0
}

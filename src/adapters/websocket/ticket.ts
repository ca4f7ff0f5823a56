import { parseChannelText } from '../../core/channel-message.ts'
import { getOwn } from '../../core/own.ts'
import type { ChannelClosed } from '../../core/channel-port.ts'
import { systemClock } from '../system-clock.ts'
import { closedByStatus, closedWith } from '../realtime/closings.ts'

export type TicketResult =
  | { readonly type: 'ticket'; readonly ticket: string }
  | { readonly type: 'none'; readonly closed: ChannelClosed }

const MAX_CHARACTERS = 8_192
const TICKET = /^[\w.~-]{1,2048}$/

/** Asks for a ticket, which takes the place of the token in the URL of a WebSocket: of use once, and soon over. Rejects as `fetch` does. */
export async function fetchTicket(url: URL, token: string | undefined, signal: AbortSignal): Promise<TicketResult> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Accept: 'application/json', ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
    redirect: 'error',
    credentials: 'omit',
    cache: 'no-store',
    signal,
  })
  const text = await readShort(response)
  if (response.status !== 200) return { type: 'none', closed: closedByStatus(response, systemClock.now()) }
  const ticket = getOwn(parseChannelText(text) ?? {}, 'ticket')
  if (typeof ticket === 'string' && TICKET.test(ticket)) return { type: 'ticket', ticket }
  return { type: 'none', closed: closedWith(1006, '', new Error('The answer holds no ticket.')) }
}

/** What is longer is no ticket: the rest of it stays unread. */
async function readShort({ body }: Response): Promise<string> {
  if (body === null) return ''
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text
    text += value
    if (text.length <= MAX_CHARACTERS) continue
    await reader.cancel()
    return ''
  }
}

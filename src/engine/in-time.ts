import { NetworkError, TimeoutError, type SyncError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'

/** What a transport is asked: its answer, or what went wrong. */
export interface Asked<Answer> {
  /** For messages, as `page`. */
  readonly what: string
  ask(signal: AbortSignal): Promise<Answer>
  failed(error: SyncError): Answer
}

/** Whatever the transport does: it may throw, and it may never answer. */
export function inTime<Answer>(clock: Clock, limitMs: number, signal: AbortSignal, asked: Asked<Answer>): Promise<Answer> {
  const { what, ask, failed } = asked
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  signal.addEventListener('abort', abort)
  return new Promise<Answer>((resolve) => {
    const cancel = clock.schedule(() => {
      resolve(failed(new TimeoutError(`No ${what} within ${limitMs} ms (sendTimeoutMs); it is asked for again.`)))
      abort()
    }, limitMs)
    const answered = (answer: Answer): void => {
      cancel()
      resolve(answer)
    }
    const answer = async (): Promise<Answer> => ask(controller.signal)
    answer().then(answered, (cause: unknown) =>
      answered(failed(new NetworkError(`The transport failed; the ${what} is asked for again.`, { cause, code: 'transport' }))),
    )
  }).finally(() => signal.removeEventListener('abort', abort))
}

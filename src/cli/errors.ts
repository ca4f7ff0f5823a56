import { SyncError } from '../core/errors.ts'

/** The command was called wrongly: exit code 2. */
export class UsageError extends SyncError {
  override readonly name = 'UsageError'
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('usage', message, options)
  }
}

/** The message of an error and those of its causes, one a line. */
export function messagesOf(error: unknown): string {
  const messages: string[] = []
  for (let at: unknown = error; at instanceof Error && messages.length < 5; at = at.cause) {
    messages.push(messages.length === 0 ? at.message : `  because: ${at.message}`)
  }
  return messages.length === 0 ? String(error) : messages.join('\n')
}

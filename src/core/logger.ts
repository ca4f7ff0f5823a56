export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Where the engine's events are written down. `fields` hold ids and codes; no payload, no credentials. */
export type Logger = Readonly<Record<LogLevel, (message: string, fields: Readonly<Record<string, unknown>>) => void>>

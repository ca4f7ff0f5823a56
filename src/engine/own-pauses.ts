/** The pause that a server asks for. */
export const SERVER_PAUSE = 'server'

/** Pauses that the engine begins and ends by itself; all others are the application's choice. */
export const OWN_PAUSES: ReadonlySet<string> = new Set(['network', 'auth', SERVER_PAUSE])

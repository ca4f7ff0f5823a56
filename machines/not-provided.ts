/** Stands for an effect until the engine provides the real one: a machine must never do nothing in silence. */
export function notProvided(): void {
  throw new Error('This effect is provided by the engine: start the machine through createSyncEngine or provide every effect.')
}

export function rejectNotProvided(): Promise<never> {
  return Promise.reject(
    new Error('This actor is provided by the engine: start the machine through createSyncEngine or provide every actor.'),
  )
}

import type { World } from './world.ts'

/** The server answers the next attempt of a world at once, but the answer comes only when it is released. */
export function lateAnswer(world: World): { readonly isApplied: Promise<void>; readonly release: () => void } {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  let applied = (): void => {}
  const isApplied = new Promise<void>((resolve) => (applied = resolve))
  const before = world.attempts.length
  world.intercept(async (_, send, count) => {
    const outcome = await send()
    if (count > before + 1) return outcome
    applied()
    await released
    return outcome
  })
  return { isApplied, release }
}

import type { Moment } from './moment.ts'

/** Whom to draw while nobody has chosen: in the past who took the last transition, now the operation that moved last, or the engine. */
export function followed({ actors, moved }: Moment, isLive: boolean): string | undefined {
  if (!isLive && moved !== undefined && actors.has(moved)) return moved
  const all = [...actors.values()].filter(({ machine }) => machine !== undefined)
  const [first, ...others] = all.filter(({ machine }) => machine === 'operation')
  const last = first && others.reduce((one, other) => (other.since > one.since ? other : one), first)
  return (last ?? all[0])?.actor
}

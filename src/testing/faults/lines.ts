import type { PushFate } from '../world/lines.ts'
import type { Choices } from '../world/tape.ts'
import type { World } from '../world/world.ts'
import { LINE_FAULTS, type FaultKind, type LineFault } from './kinds.ts'
import type { Swarm } from './swarm.ts'

export interface LineFaults {
  pushFate(): PushFate
}

export const PLAIN_PUSH: PushFate = { laterMs: [0], beside: [] }
const STRIKES = 3
/** What a line should not say: of what this engine has not, or nothing that can be read. */
const FOREIGN: readonly unknown[] = [
  { type: 'changed', entity: 'secret', cursor: '1:1' },
  { type: 'changed', entity: '__proto__', cursor: '1:1' },
  { type: 'changed', entity: 'note' },
  { type: 'changed', entity: 7, cursor: null },
  'changed',
  { type: 'hello', heartbeatMs: -1 },
]

/** Draws nothing in a world without lines. */
export function createLineFaults(
  choices: Choices,
  { share, requestRate }: Pick<Swarm, 'share' | 'requestRate'>,
  world: World,
  lastMs: number,
  isOver: () => boolean,
  fired: (kind: FaultKind, where: string) => void,
): LineFaults {
  if (world.settings.lineCount === 0) return { pushFate: () => PLAIN_PUSH }
  const kinds = new Set<LineFault>(LINE_FAULTS.filter(() => choices.chance(share)))
  const [first, ...others] = [...kinds].filter((kind) => kind.startsWith('push-'))
  for (const kind of ['line-dead', 'line-closed'] as const)
    for (let number = 0; number < STRIKES; number++) strike(kind, choices.whole(600, lastMs), choices.unit(), choices.unit())

  function strike(kind: 'line-dead' | 'line-closed', atMs: number, which: number, size: number): void {
    if (!kinds.has(kind)) return
    const device = world.devices[Math.floor(which * world.settings.lineCount)]?.name ?? ''
    const hit = (): boolean => (kind === 'line-dead' ? world.lines.silence(device) : world.lines.close(device, closing(size)))
    world.scheduler.after(atMs, () => {
      if (!isOver() && hit()) fired(kind, device)
    })
  }

  /** Hints get lost at the end, too: what nobody told of is pulled all the same (S20). */
  function pushFate(): PushFate {
    if (first === undefined || !choices.chance(requestRate)) return PLAIN_PUSH
    const kind = choices.pick([first, ...others])
    fired(kind, 'a line')
    if (kind === 'push-dropped') return { laterMs: [], beside: [] }
    if (kind === 'push-doubled') return { laterMs: [0, choices.whole(1, 3_000)], beside: [] }
    if (kind === 'push-late') return { laterMs: [choices.whole(100, 20_000)], beside: [] }
    return { laterMs: [0], beside: FOREIGN }
  }

  return { pushFate }
}

/** It restarts, or asks to come again later. */
function closing(size: number): { code: number; reason: string; retryAfterMs?: number } {
  return size < 0.5 ? { code: 1012, reason: '' } : { code: 1013, reason: '', retryAfterMs: Math.floor(size * 10_000) }
}

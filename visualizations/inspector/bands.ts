import type { TraceLine } from '../../src/core/trace.ts'
import { short } from './dom.ts'
import { valueText } from './moment.ts'

/** Where one machine was over some time. */
export interface Band {
  readonly machine: string
  readonly engine: string | undefined
  readonly parts: readonly Part[]
}

export interface Part {
  readonly from: number
  readonly to: number
  readonly value: string
}

const MACHINES = ['engine', 'lock', 'breaker', 'connectivity', 'channel']
/** Changes of one machine that are remembered. */
const KEPT = 2_000
/** Engines come back under other names: what is over longest is forgotten. */
const MAX_LIVES = 100

interface Life {
  readonly machine: string
  readonly engine: string | undefined
  changes: { readonly at: number; readonly value: string }[]
}

/** Remembers where the machines were that say whether an engine can do its work. */
export function createBands() {
  const lives = new Map<string, Life>()
  const living = new Map<string, Life>()

  function change(actor: string, at: number, value: string): void {
    const life = living.get(actor)
    const last = life?.changes.at(-1)
    if (life === undefined || last?.value === value) return
    life.changes.push({ at: Math.max(at, last?.at ?? at), value })
    if (life.changes.length > KEPT) life.changes = life.changes.slice(KEPT / 2)
  }

  function begin({ actor, machine = '', engine }: Extract<TraceLine, { type: 'actor' }>): void {
    if (!MACHINES.includes(machine)) return
    const key = `${engine ?? ''} ${machine}`
    const life = lives.get(key) ?? { machine, engine, changes: [] }
    lives.set(key, life)
    living.set(actor, life)
    if (lives.size <= MAX_LIVES) return
    const [over] = [...lives].find(([, { changes }]) => changes.at(-1)?.value === '') ?? []
    if (over !== undefined) lives.delete(over)
  }

  return {
    add(line: TraceLine): void {
      if (line.type === 'actor') return begin(line)
      if (line.type !== 'step' && line.type !== 'state') return
      const isOver = line.status !== undefined && line.status !== 'active'
      change(line.actor, line.at, isOver ? '' : short(valueText(line.value)))
      if (isOver) living.delete(line.actor)
    },
    /** The parts between two times; none of an engine that was not there. */
    between(from: number, to: number): readonly Band[] {
      return [...lives.values()].flatMap(({ machine, engine, changes }) => {
        const parts = changes.flatMap(({ at, value }, index): readonly Part[] => {
          const part = { from: Math.max(at, from), to: Math.min(changes[index + 1]?.at ?? to, to), value }
          return part.to < part.from || value === '' ? [] : [part]
        })
        return parts.length === 0 ? [] : [{ machine, engine, parts }]
      })
    },
  }
}

import type { TraceLine } from '../../src/core/trace.ts'
import { createConflicts } from './conflicts.ts'
import { short } from './dom.ts'
import { createMetrics, SECONDS, type Measured } from './metrics.ts'
import type { Moment } from './moment.ts'
import { createQueue, type Statuses } from './queue.ts'
import type { Recording } from './recording.ts'
import { ALL_TYPES, filterOf, lineText } from './search.ts'
import { createSequence, type Message } from './sequence.ts'
import { createTabs } from './tabs.ts'
import { clock, timeOfDay } from './texts.ts'
import { createTimeline } from './timeline.ts'

export interface ViewHooks {
  recording(): Recording
  go(at: number): void
  /** It is to be drawn anew. */
  changed(): void
}

const LOOKED_BACK = 4_000

/** The views at the right, of which one is seen. */
export function createViews({ recording, go, changed }: ViewHooks) {
  let filter = filterOf('', ALL_TYPES)
  const lineAt = (at: number): TraceLine | undefined => recording().history.line(at)
  const timeline = createTimeline({
    filter(text, types) {
      filter = filterOf(text, types)
      begin()
    },
    go,
    text: textOf,
    time: (at) => clock(lineAt(at)?.at ?? 0),
    typeOf: (at) => lineAt(at)?.type ?? '',
  })
  const sequence = createSequence(go)
  const queue = createQueue(timeOfDay)
  const conflicts = createConflicts()
  const metrics = createMetrics(clock)
  const tabs = createTabs(
    [
      ['Timeline', timeline.element],
      ['Sequence', sequence.element],
      ['Queue', queue.element],
      ['Conflicts', conflicts.element],
      ['Metrics', metrics.element],
    ],
    changed,
  )

  function begin(): void {
    recording().matches.set(filter)
    changed()
  }

  function textOf(at: number): string {
    const line = lineAt(at)
    return line === undefined ? '' : short(lineText(line, recording().history.nameOf), 2_000)
  }

  function messagesBefore(at: number, most: number): readonly Message[] {
    const found: Message[] = []
    const first = Math.max(recording().history.first(), at - LOOKED_BACK)
    for (let line = at; line >= first && found.length < most; line--) {
      const event = lineAt(line)
      if (event?.type === 'event') found.push({ at: line, event })
    }
    return found.toReversed()
  }

  function measuredAt(time: number, { actors, alerts }: Moment, statuses: Statuses): Measured {
    const there = new Set([...actors.values()].map(({ engine }) => engine))
    const { rates, bands } = recording()
    return {
      seconds: rates.until(time, SECONDS),
      bands: bands.between(time - SECONDS * 1_000, time).filter(({ engine }) => there.has(engine)),
      alerts: [...alerts.values()].filter(({ engine }) => there.has(engine)),
      statuses,
    }
  }

  return {
    element: tabs.element,
    choose: tabs.choose,
    /** Another recording is looked through, as the one before. */
    begin,
    show(at: number, moment: Moment, statuses: Statuses, hasMoved: boolean): void {
      const { history, matches } = recording()
      const tab = tabs.current()
      if (tab === 'Timeline') {
        const found = matches.list()
        timeline.show(found, at, hasMoved, matches.isComplete())
        if (!matches.isComplete()) changed()
      } else if (tab === 'Sequence') sequence.show(messagesBefore(at, sequence.room()), history.nameOf)
      else if (tab === 'Queue') queue.show(moment, statuses)
      else if (tab === 'Conflicts') conflicts.show(moment, statuses)
      else metrics.show(measuredAt(history.time(at), moment, statuses))
    },
  }
}

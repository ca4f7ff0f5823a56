import { actionTexts } from './actions.ts'
import type { Observation } from './observe.ts'
import type { Vertex, Walk } from './walk.ts'

/** Which action may follow which, of those that are named; '' stands for the time before the first. */
export type Protocol = Readonly<Record<string, readonly string[]>>

/** Where a machine does one of these actions after another that it may not follow, on whatever path. */
export function protocolBreaks({ start, vertices: [first] }: Walk, protocol: Protocol): readonly string[] {
  const breaks = new Set<string>()
  const seen = new Map<Vertex, Set<string>>()

  function pass(last: string, { actions }: Observation, event: string): string {
    return actionTexts(actions)
      .filter((action) => action in protocol)
      .reduce((before, action) => {
        if (protocol[before]?.includes(action) !== true) breaks.add(`${event}: '${action}' after '${before}'`)
        return action
      }, last)
  }

  const open: [Vertex, string][] = first === undefined ? [] : [[first, pass('', start, 'at the start')]]
  for (const [vertex, last] of open) {
    const lasts = seen.get(vertex) ?? new Set()
    if (lasts.has(last)) continue
    seen.set(vertex, lasts.add(last))
    for (const { event, observation, to } of vertex.edges) open.push([to, pass(last, observation, event.type)])
  }
  return [...breaks]
}

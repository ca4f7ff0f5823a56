import type { TraceLine } from './trace.ts'

/** The line as one of a trace of several engines: names that are one engine's alone become the whole's. */
export function ofEngine(line: TraceLine, engine: string, prefix: string): TraceLine {
  const named = (actor: string): string => `${prefix}${actor}`
  switch (line.type) {
    case 'actor':
      return { ...line, engine, actor: named(line.actor), ...(line.parent === undefined ? {} : { parent: named(line.parent) }) }
    case 'event':
      return { ...line, to: named(line.to), ...(line.from === undefined ? {} : { from: named(line.from) }) }
    case 'step':
    case 'state':
      return { ...line, actor: named(line.actor) }
    case 'port':
    case 'notice':
      return { ...line, engine }
  }
}

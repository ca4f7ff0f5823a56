import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What keeps a folder from holding just these diagrams, a sentence each. */
export function staleIn(folder: string, diagrams: ReadonlyMap<string, string>): readonly string[] {
  const differing = [...diagrams].flatMap(([name, text]) => {
    const path = join(folder, name)
    if (!existsSync(path)) return [`${name} is missing`]
    return readFileSync(path, 'utf8') === text ? [] : [`${name} is stale`]
  })
  return [...differing, ...leftOver(folder, diagrams).map((name) => `${name} belongs to no machine`)]
}

export function writeInto(folder: string, diagrams: ReadonlyMap<string, string>): void {
  mkdirSync(folder, { recursive: true })
  for (const name of leftOver(folder, diagrams)) rmSync(join(folder, name))
  for (const [name, text] of diagrams) writeFileSync(join(folder, name), text)
}

function leftOver(folder: string, diagrams: ReadonlyMap<string, string>): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => /\.(?:svg|mmd)$/.test(name) && !diagrams.has(name))
}

import { describe, expect, it } from 'vitest'
import { mermaidId, mermaidOf } from '../../visualizations/generate/mermaid.ts'
import { modelOf } from '../../visualizations/generate/model.ts'
import { nodesOf, subjects, transitionsOf } from './subjects.ts'

/** All that a line of these diagrams may be, in the grammar of Mermaid 11. */
const ID = String.raw`(?:\w+)`
const TEXT = String.raw`(?:[^:;#"&<>{}]|#\d+;)+`
const GRAMMAR: readonly RegExp[] = [
  /^stateDiagram-v2$/,
  new RegExp(String.raw`^ +state "${TEXT}" as ${ID}(?: \{)?$`),
  new RegExp(String.raw`^ +${ID} : ${TEXT}$`),
  new RegExp(String.raw`^ +(?:${ID}|\[\*\]) --> (?:${ID}|\[\*\])(?: : ${TEXT})?$`),
  new RegExp(String.raw`^ +note right of ${ID}$`),
  new RegExp(String.raw`^    ${TEXT}$`),
  /^ +(?:end note|--|\})$/,
]

function linesOf(machine: Parameters<typeof modelOf>[0]): readonly string[] {
  return mermaidOf(modelOf(machine)).trimEnd().split('\n')
}

describe('the Mermaid diagram of a machine', () => {
  it.each(subjects)('F7 %s: keeps to the grammar', (_, machine) => {
    const lines = linesOf(machine)
    expect(lines.filter((line) => !GRAMMAR.some((rule) => rule.test(line)))).toEqual([])
    expect(lines.filter((line) => line.endsWith(' {'))).toHaveLength(lines.filter((line) => line.trim() === '}').length)
  })

  it.each(subjects)('F7 %s: declares every state once', (_, machine) => {
    const declared = linesOf(machine).flatMap((line) => /^ +state ".*" as (\w+)/.exec(line)?.[1] ?? [])
    const expected = nodesOf(machine.root).map((node) => mermaidId([machine.id, ...node.path].join('.')))
    expect(declared.toSorted()).toEqual(expected.toSorted())
  })

  it.each(subjects)('F7 %s: has a line for every transition, and for every target of it', (_, machine) => {
    const lines = linesOf(machine)
    for (const node of nodesOf(machine.root)) {
      const id = mermaidId([machine.id, ...node.path].join('.'))
      const transitions = transitionsOf(node).map(({ transition }) => transition)
      const leaving = transitions.flatMap(({ target = [] }) => target.filter((other) => !isWithin(other.id, node.id)))
      const staying = transitions.filter(({ target = [] }) => target.every((other) => isWithin(other.id, node.id)))
      expect(lines.filter((line) => line.startsWith(`  ${id} --> `))).toHaveLength(leaving.length)
      expect(inBox(lines, id)).toHaveLength(staying.length)
    }
  })
})

function isWithin(id: string, outer: string): boolean {
  return id === outer || id.startsWith(`${outer}.`)
}

/** What is listed in the box of a state, or in the note beside it, but what it does on entry and exit and whom it invokes. */
function inBox(lines: readonly string[], id: string): readonly string[] {
  const own = lines.flatMap((line) => (line.trim().startsWith(`${id} : `) ? [line.trim().slice(id.length + 3)] : []))
  const start = lines.indexOf(`  note right of ${id}`)
  const noted = start < 0 ? [] : lines.slice(start + 1, lines.indexOf('  end note', start)).map((line) => line.trim())
  return [...own, ...noted].filter((line) => !/^(?:entry|exit|invoke) \//.test(line))
}

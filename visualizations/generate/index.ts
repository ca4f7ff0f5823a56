import { StateMachine, type AnyStateMachine } from 'xstate'
import { layOut } from './layout.ts'
import { mermaidOf } from './mermaid.ts'
import { modelOf } from './model.ts'
import { svgOf } from './svg.ts'

export { staleIn, writeInto } from './files.ts'

/** The machines among the exports of a module. */
export function machinesIn(module: Readonly<Record<string, unknown>>): readonly AnyStateMachine[] {
  return Object.values(module).filter((value) => value instanceof StateMachine)
}

/** The diagrams of the machines: file names and their text. */
export async function generateDiagrams(machines: readonly AnyStateMachine[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const machine of machines) {
    const model = modelOf(machine)
    files.set(`${machine.id}.svg`, svgOf(await layOut(model)))
    files.set(`${machine.id}.mmd`, mermaidOf(model))
  }
  return files
}

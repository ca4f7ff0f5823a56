// Draws every machine into visualizations/diagrams, from the code that was built. With `--check` it writes nothing and tells what is stale.
import { exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import { values } from './diagrams.options.mjs'
import * as machines from '../dist/machines/index.js'
import { generateDiagrams, machinesIn, staleIn, writeInto } from '../dist/visualizations/generate/index.js'

const folder = fileURLToPath(new URL('../visualizations/diagrams', import.meta.url))
const diagrams = await generateDiagrams(machinesIn(machines))
const stale = staleIn(folder, diagrams)

if (values.check) {
  for (const problem of stale) console.log(`visualizations/diagrams/${problem}: run npm run diagrams`)
  exit(stale.length === 0 ? 0 : 1)
}
writeInto(folder, diagrams)
console.log(stale.length === 0 ? 'Every diagram was up to date.' : stale.map((problem) => `${problem}: done`).join('\n'))

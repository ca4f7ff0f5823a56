// Plants every bug of test/simulation/planted in a copy of dist, and tells which invariant of the simulation caught it, and how soon.
import { readFileSync, writeFileSync } from 'node:fs'
import { exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { values } from './planted.options.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const seedsFile = fileURLToPath(new URL('../test/simulation/planted/seeds.json', import.meta.url))
const remembered = JSON.parse(readFileSync(seedsFile, 'utf8'))
const { BUGS, createHunter, inWords, reports, seedsFrom, unproved } = await load('test/simulation/planted/index.ts')
const bugs = BUGS.filter(({ name }) => name.includes(values.only))
if (bugs.length === 0) {
  console.error(`planted: No bug is named "${values.only}".`)
  exit(2)
}

const hunter = createHunter({ root, workers: values.workers })
const seedsOf = ({ name }) => seedsFrom(values.anew ? undefined : remembered[name], values.budget)
const results = await Promise.all(
  bugs.map(async (bug) => {
    const result = await hunter.hunt(bug, seedsOf(bug))
    if (!values.json) console.log(inWords(result))
    return result
  }),
)
const caught = results.filter((result) => result.caught)
if (values.remember) remember()
hunter.close()
const missing = values.only === '' ? unproved(reports(root), results) : []
if (values.json) console.log(JSON.stringify(results.map(plain), null, 2))
else console.log(`\n${caught.length} of ${results.length} bugs caught`)
for (const report of missing) console.error(`No bug has shown that a checker can tell of its invariant: ${report}.`)
exit(caught.length === results.length && missing.length === 0 ? 0 : 1)

/** A module of the tests, which Node can't load as it is. */
async function load(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  })
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`)
}

function plain({ bug, caught, tried, others, error, seconds }) {
  return { bug: bug.name, invariants: bug.invariants, caught, tried, others, seconds, ...(error && { error: error.message }) }
}

function remember() {
  const seeds = { ...remembered, ...Object.fromEntries(caught.map(({ bug, caught }) => [bug.name, caught.seed])) }
  const known = BUGS.flatMap(({ name }) => (name in seeds ? [[name, seeds[name]]] : []))
  writeFileSync(seedsFile, `${JSON.stringify(Object.fromEntries(known), null, 2)}\n`)
}

import { useLightAbort } from './scripts/light-abort.mjs'
import { simulate } from './dist/src/testing/simulate.js'
useLightAbort()
const [seed, root] = process.argv.slice(2)
const r = await simulate(Number(seed), { keepsText: true })
for (const l of r.lines) console.log(l)
console.log('VIOL', JSON.stringify(r.violations))

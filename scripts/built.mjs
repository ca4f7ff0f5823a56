// Runs a script on a fresh build: `node scripts/built.mjs scripts/simulate.mjs --seed 7`. Its options are read before that, by the module beside it: `--help` and
// what is wrong with them are answered without a build.
import { resolve } from 'node:path'
import { argv, stderr } from 'node:process'
import { pathToFileURL } from 'node:url'

argv.splice(1, 1)
const [, script] = argv
await import(pathToFileURL(resolve(script.replace(/\.mjs$/, '.options.mjs'))))
stderr.write('Building…\n')
await import('./build.mjs')
await import(pathToFileURL(resolve(script)))

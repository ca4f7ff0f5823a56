// An engine that writes a note every second to a faulty server, and `@xstate/inspect` beside it. `npm start`; `npm start -- https://…` names another viewer.
import { once } from 'node:events'
import { argv } from 'node:process'
import { serveDemo } from './serve.mjs'

const demo = await serveDemo({ port: 4200, faults: { rate: 0.2 } })
const [viewer] = argv.slice(2)
console.log(`Open ${demo.url({ every: 1_000, ...(viewer && { viewer }) })}\nCtrl-C ends it.`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await demo.close()

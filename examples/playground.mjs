// A task board on two devices, with all that can go wrong to switch on, and its machines beside it. `npm run playground` runs it.
import { once } from 'node:events'
import { startPlayground } from './playground/serve.mjs'
import { values } from './playground.options.mjs'

const playground = await startPlayground({ port: values.port })
console.log(`Open ${playground.url}\nCtrl-C ends it; what was written is kept in the pages' own stores only.`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await playground.close()

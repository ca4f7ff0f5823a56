// A task board on two devices, with all that can go wrong to switch on, and its machines beside it. `npm run playground` runs it.
import { once } from 'node:events'
import { startPlayground } from './playground/serve.mjs'
import { values } from './playground.options.mjs'

const playground = await startPlayground({ port: values.port })
console.log(`Open ${playground.url}
Ctrl-C ends it, and its server with all tasks: the next one begins empty, and so do the boards, but for what they have not sent.`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
await playground.close()

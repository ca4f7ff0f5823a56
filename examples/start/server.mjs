// The reference server in a process of its own. Tells its address, and when asked, how many requests and faults there were.
import { subscribe } from 'node:diagnostics_channel'
import { startServer } from 'synchart/server'

let requests = 0
subscribe('http.server.request.start', () => (requests += 1))

const server = await startServer({ ...JSON.parse(process.argv[2]), inspect: true, onError: (error) => console.error(error) })
process.on('message', () => process.send({ requests, faults: server.faults() }))
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => {})
process.send({ url: server.url })

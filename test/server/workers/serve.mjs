import { startServer } from 'synchart/server'

const server = await startServer({ database: process.argv[2] })
process.send({ url: server.url })

import { argumentsOf } from '../scripts/arguments.mjs'

argumentsOf({
  name: 'start',
  help: `npm start
  Pushes 2,000 real writes to a server through a faulty network, kills the worker half-way with SIGKILL, starts it again, and compares
  the server with the file. Leaves nothing behind, and has no options.`,
})

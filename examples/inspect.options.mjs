import { argumentsOf } from '../scripts/arguments.mjs'

export const values = argumentsOf({
  name: 'inspect',
  help: `npm run inspect -- [--port 4100] [--every 1000]
  An engine that writes a note every second to a slow server where one request in five fails, and the inspector to see it. Ctrl-C ends it and leaves nothing behind.
  --port     of the inspector; 0 takes a free one
  --every    milliseconds from one write to the next`,
  options: { port: { type: 'string', default: '4100' }, every: { type: 'string', default: '1000' } },
  numbers: { port: [0, 65_535], every: [1, 60_000] },
})

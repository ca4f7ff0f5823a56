import { argumentsOf } from '../scripts/arguments.mjs'

export const values = argumentsOf({
  name: 'playground',
  help: `npm run playground -- [--port 4010]
  A task board on two devices, side by side, with their machines: take one offline, make its network lose requests, change the same task on both. Ctrl-C ends it.
  --port     of the pages; 0 takes a free one`,
  options: { port: { type: 'string', default: '4010' } },
  numbers: { port: [0, 65_535] },
})

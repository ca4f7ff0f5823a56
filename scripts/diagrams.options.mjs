import { argumentsOf } from './arguments.mjs'

export const values = argumentsOf({
  name: 'diagrams',
  help: `npm run diagrams -- [--check]
  --check  writes nothing, and tells what is stale`,
  options: { check: { type: 'boolean', default: false } },
})

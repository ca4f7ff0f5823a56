import { argumentsOf } from './arguments.mjs'

export const values = argumentsOf({
  name: 'docs:api',
  help: `npm run docs:api -- [--check]
  --check  writes nothing, and tells what is stale`,
  options: { check: { type: 'boolean', default: false } },
})

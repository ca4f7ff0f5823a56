// The simulator as it is built, which `npm test` has done: read by Vitest, module by module, each seed takes a seventh more time.
export { crashEverywhere } from '../../dist/src/testing/crash.js'
export { replay, simulate } from '../../dist/src/testing/simulate.js'

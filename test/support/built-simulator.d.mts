export { crashEverywhere } from '../../src/testing/crash.ts'
export { replay, simulate } from '../../src/testing/simulate.ts'

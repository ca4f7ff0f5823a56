import { useLightAbort } from '../../scripts/light-abort.mjs'
import { giveWay } from './give-way.ts'

/** For files that simulate for minutes: the stacks of the many errors that a storm makes, and an AbortController that keeps worlds alive, cost a fifth of that. */
export function forManySeeds(): void {
  giveWay()
  Error.stackTraceLimit = 0
  useLightAbort()
}

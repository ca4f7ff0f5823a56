import { choicesOf, recordedTape } from '../world/tape.ts'
import { splitSeed } from '../world/random.ts'
import type { DrawnFaults } from './plan.ts'

interface Switch {
  readonly seed: number
  after(delayMs: number, task: () => void): () => void
  setOnline(online: boolean): void
}

/** Takes the connection away and gives it back, again and again. Gives the function that ends this, online. */
export function startOutages(
  { upMs, downMs }: NonNullable<DrawnFaults['outages']>,
  { seed, after, setOnline }: Switch,
): () => void {
  const choices = choicesOf(recordedTape(splitSeed(seed, 'outages')))
  let cancel = (): void => {}

  function goDown(): void {
    setOnline(false)
    cancel = after(choices.whole(...downMs), comeUp)
  }

  function comeUp(): void {
    setOnline(true)
    cancel = after(choices.whole(...upMs), goDown)
  }

  comeUp()
  return () => {
    cancel()
    setOnline(true)
  }
}

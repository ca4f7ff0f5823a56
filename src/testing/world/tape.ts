import { seededNumbers } from './random.ts'

const SPAN = 2 ** 32

/**
 * A finite list of numbers in [0, 2^32) that decisions are drawn from. Beyond its end every draw is 0, and 0 always stands for the
 * plainest choice: so a tape is shrunk by cutting it off and by setting stretches of it to 0.
 */
export interface Tape {
  /** What was drawn so far. */
  numbers(): readonly number[]
  draw(): number
}

/** Grows as it is drawn from. */
export function recordedTape(seed: number): Tape {
  const next = seededNumbers(seed)
  const drawn: number[] = []
  return {
    numbers: () => drawn,
    draw() {
      const number = next()
      drawn.push(number)
      return number
    },
  }
}

export function replayedTape(numbers: readonly number[]): Tape {
  let at = 0
  return {
    numbers: () => numbers.slice(0, at),
    draw: () => numbers[at++] ?? 0,
  }
}

/** The decisions that a tape is asked for; each draws one number. */
export interface Choices {
  /** Uniform in [0, 1). */
  unit(): number
  /** True with this probability; false for 0. */
  chance(probability: number): boolean
  /** From `min` (for 0) to `max`, both included. */
  whole(min: number, max: number): number
  /** The first, for 0. */
  pick<const T>(options: readonly [T, ...T[]]): T
}

export function choicesOf(tape: Tape): Choices {
  const whole = (min: number, max: number): number => min + Math.floor((tape.draw() / SPAN) * (max - min + 1))
  return {
    unit: () => tape.draw() / SPAN,
    chance: (probability) => tape.draw() >= SPAN * (1 - probability),
    whole,
    pick: (options) => options[whole(0, options.length - 1)] ?? options[0],
  }
}

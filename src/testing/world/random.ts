/** A repeatable sequence of whole numbers in [0, 2^32): a Weyl sequence, each step mixed by multiplication and shifts. Not for secrets. */
export type Numbers = () => number

export function seededNumbers(seed: number): Numbers {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    return mixed(state)
  }
}

/** The seed of an independent sequence: what is drawn from one never shifts what is drawn from another. */
export function splitSeed(seed: number, name: string): number {
  let split = mixed(seed >>> 0)
  for (let i = 0; i < name.length; i++) split = mixed((split ^ name.charCodeAt(i)) >>> 0)
  return split
}

function mixed(number: number): number {
  let bits = Math.imul(number ^ (number >>> 16), 0x21f0aaad)
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97)
  return (bits ^ (bits >>> 15)) >>> 0
}

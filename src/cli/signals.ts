const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Calls `stop` at the first signal to end; a second one ends the process at once. Returns the function that ends this. */
export function onSignal(stop: (signal: NodeJS.Signals) => void): () => void {
  let count = 0
  const listener = (signal: NodeJS.Signals): void => {
    count += 1
    if (count > 1) process.exit(1)
    stop(signal)
  }
  for (const signal of SIGNALS) process.on(signal, listener)
  return () => SIGNALS.forEach((signal) => process.off(signal, listener))
}

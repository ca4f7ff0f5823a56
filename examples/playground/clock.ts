/** The platform's clock, which can be set forward and back as people do it. */
export function switchableClock() {
  let skewMs = 0
  return {
    now: () => Date.now() + skewMs,
    monotonic: () => performance.now(),
    schedule(task: () => void, delayMs: number): () => void {
      const timer = setTimeout(task, delayMs)
      return () => clearTimeout(timer)
    },
    setSkew(ms: number): void {
      skewMs = ms
    },
  }
}

export type SwitchableClock = ReturnType<typeof switchableClock>

/** While lines come, the page is drawn so often; what somebody does is drawn at once. */
const SAMPLED_MS = 100

/** Says when to draw: `draw` is called within a frame of the browser, once for all that asked for it. */
export function createFrames(draw: (now: number) => void) {
  let lastDrawn = 0
  let waiting: { readonly isNext: boolean; cancel(): void } | undefined
  let isClosed = false

  function drawNow(): void {
    waiting = undefined
    lastDrawn = performance.now()
    draw(lastDrawn)
  }

  /** In the next frame. */
  function soon(): void {
    if (isClosed || waiting?.isNext === true) return
    waiting?.cancel()
    const frame = requestAnimationFrame(drawNow)
    waiting = { isNext: true, cancel: () => cancelAnimationFrame(frame) }
  }

  return {
    soon,
    /** When the last drawing is a while ago. */
    sampled(): void {
      if (isClosed || waiting !== undefined) return
      const due = (): void => {
        waiting = undefined
        soon()
      }
      const timer = setTimeout(due, Math.max(0, lastDrawn + SAMPLED_MS - performance.now()))
      waiting = { isNext: false, cancel: () => clearTimeout(timer) }
    },
    close(): void {
      isClosed = true
      waiting?.cancel()
    },
  }
}

const GLOW_MS = 600
const LIT = 'var(--lit)'
const STATE = [{ stroke: LIT, strokeWidth: 2, fill: 'var(--lit-fill)' }, {}]
const LINE = [{ stroke: LIT, strokeWidth: 2 }, {}]
const FILLED = [{ fill: LIT }, {}]
const CHIP = [{ stroke: LIT }, {}]

/** Lights up a state or a transition of a drawing that was passed between two frames, and lets it fade. */
export function glow(part: Element): void {
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches
  const light = (parts: Iterable<Element>, frames: Keyframe[]): void => {
    for (const one of parts) one.animate(frames, { duration: GLOW_MS, easing: isStill ? 'step-end' : 'ease-in', id: 'glow' })
  }
  if (part.id.startsWith('state:')) return light(part.querySelectorAll(':scope > rect'), STATE)
  const edge = part.closest('.edge')
  light(edge?.querySelectorAll(':scope > .line') ?? [], LINE)
  light(edge?.querySelectorAll(':scope > .head') ?? [], FILLED)
  light(edge?.querySelectorAll(':scope > .chip') ?? [], CHIP)
  light(part.querySelectorAll('text, tspan'), FILLED)
}

/** Advance widths in thousandths of an em, of the widest of the fonts that `system-ui` stands for. */
const WIDTHS: readonly (readonly [string, number])[] = [
  ['ijl', 278],
  ["IJ'", 306],
  [' .,:;|/\\', 340],
  ['f-', 365],
  ['tr()[]!', 415],
  ['sz?*"_`c', 550],
  ['vxyaeokT', 616],
  ['bdghnpqu0123456789$PFEY{}', 637],
  ['SLZ', 686],
  ['ABCKRVX', 700],
  ['&DGHNOQU', 788],
  ['Mw', 863],
  ['m', 975],
]
const OTHER_WIDTH = 1000
/** How much wider the bold letters are, at most. */
const BOLD = 1.24

const widths = new Map(
  WIDTHS.flatMap(([characters, width]) => Array.from(characters, (character) => [character, width] as const)),
)

/** At least as wide as any browser draws it, so that nothing overlaps on a machine with other fonts. */
export function widthOf(text: string, fontSize: number, isBold = false): number {
  const thousandths = Array.from(text, (character) => widths.get(character) ?? OTHER_WIDTH).reduce((sum, width) => sum + width, 0)
  return Math.ceil((thousandths / 1000) * fontSize * (isBold ? BOLD : 1))
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

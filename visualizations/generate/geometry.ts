export interface Point {
  readonly x: number
  readonly y: number
}

export interface Rect extends Point {
  readonly width: number
  readonly height: number
}

/** A line has no width, and overlaps what it runs through. */
export function overlap(a: Rect, b: Rect): boolean {
  return (
    isBefore(a.x, b.x, b.width) && isBefore(b.x, a.x, a.width) && isBefore(a.y, b.y, b.height) && isBefore(b.y, a.y, a.height)
  )
}

function isBefore(start: number, other: number, extent: number): boolean {
  return start < other + Math.max(1, extent)
}

/** The parts of a line between its bends. */
export function segmentsOf(points: readonly Point[]): readonly Rect[] {
  return points.slice(1).map((point, index) => {
    const { x, y } = points[index] ?? point
    return { x: Math.min(x, point.x), y: Math.min(y, point.y), width: Math.abs(x - point.x), height: Math.abs(y - point.y) }
  })
}

/** The place nearest to the left edge of `around` where the block touches nothing. */
export function firstFree(block: Rect, around: Rect, obstacles: readonly Rect[]): Rect | undefined {
  const near = obstacles.filter((obstacle) => overlap({ ...block, x: around.x, width: around.width }, obstacle))
  const lefts = [around.x, ...near.map(({ x, width }) => x + width + 1)].toSorted((a, b) => a - b)
  return lefts
    .filter((x) => x + block.width <= around.x + around.width)
    .map((x) => ({ ...block, x }))
    .find((place) => !near.some((obstacle) => overlap(place, obstacle)))
}

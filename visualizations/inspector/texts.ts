export const numbered = (count: number): string => count.toLocaleString('en')

const digits = (value: number, count = 2): string => String(value).padStart(count, '0')

/** Local time in seconds. */
export function timeOfDay(time: number): string {
  const date = new Date(time)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => digits(part)).join(':')
}

/** Local time with milliseconds. */
export function clock(time: number): string {
  return `${timeOfDay(time)}.${digits(new Date(time).getMilliseconds(), 3)}`
}

/** `3.2 s`, `2 min`. */
export function duration(ms: number): string {
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`
}

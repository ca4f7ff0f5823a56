/**
 * How two versions of one entity stand to each other: negative if `a` is the older. Versions are the server's: whole numbers are compared as such,
 * of others only equality is known (undefined: cannot be told).
 */
export function compareVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined
  if (a === b) return 0
  const [one, other] = [wholeNumber(a), wholeNumber(b)]
  if (one === undefined || other === undefined) return undefined
  if (one.length !== other.length) return one.length - other.length
  return Number(one > other) - Number(one < other)
}

/** Its digits without leading zeros, for a version may be larger than a double holds exactly. */
function wholeNumber(version: string): string | undefined {
  return /^\d+$/.test(version) ? version.replace(/^0+(?=\d)/, '') : undefined
}

const PLAIN_NAME = /^[\p{L}\p{N}_$-]+$/u

/** `address` + `street` → `address.street`, `lines` + 3 → `lines[3]`, `a` + `b.c` → `a["b.c"]`; at the root ('') just the key. */
export function fieldPath(parent: string, key: string | number): string {
  if (typeof key === 'number') return `${parent}[${key}]`
  if (!PLAIN_NAME.test(key)) return `${parent}[${JSON.stringify(key)}]`
  return parent === '' ? key : `${parent}.${key}`
}

/** The path of a field that an option names: that of `address.house no` is `address["house no"]`. With brackets it is one already. */
export function namedPath(name: string): string {
  return name.includes('[') ? name : name.split('.').reduce(fieldPath, '')
}

export function isBelow(path: string, parent: string): boolean {
  return path.startsWith(`${parent}.`) || path.startsWith(`${parent}[`)
}

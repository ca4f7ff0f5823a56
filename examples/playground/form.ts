import type { FormEvent } from 'react'

/** What stands in the fields of a form, by their names. */
export function inputsOf({ currentTarget }: FormEvent<HTMLFormElement>): Readonly<Record<string, string>> {
  const inputs = [...new FormData(currentTarget)].map(([name, value]) => [name, typeof value === 'string' ? value : value.name])
  return Object.fromEntries(inputs)
}

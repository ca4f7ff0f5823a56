import { UsageError } from './errors.ts'

/** What the parser of the command line made of the options. */
export type ParsedOptions = Readonly<Record<string, unknown>>

/** With `--timeout -1` as `--timeout=-1`: the parser would take the number for an option. */
export function withNegatives(argv: readonly string[]): string[] {
  const joined: string[] = []
  for (const argument of argv) {
    const before = joined.at(-1)
    if (/^-\d/.test(argument) && before !== undefined && /^--[a-z-]+$/.test(before))
      joined[joined.length - 1] = `${before}=${argument}`
    else joined.push(argument)
  }
  return joined
}

/** The option as it was typed: the parser would make a number of a user called 007. */
export function textOption(options: ParsedOptions, name: string, raw: readonly string[] = process.argv): string | undefined {
  const value = options[camelCase(name)]
  if (value === undefined) return undefined
  if (Array.isArray(value)) throw new UsageError(`--${name} was given more than once. Give it once.`)
  const at = raw.findIndex((argument) => argument === `--${name}` || argument.startsWith(`--${name}=`))
  const typed = raw[at]?.startsWith(`--${name}=`) === true ? raw[at]?.slice(name.length + 3) : raw[at + 1]
  if (at === -1 || typed === undefined || typed === '') throw new UsageError(`--${name} needs a value.`)
  return typed
}

export function requiredOption(options: ParsedOptions, name: string, example: string): string {
  const value = textOption(options, name)
  if (value === undefined) throw new UsageError(`--${name} is missing. Give it, as --${name} ${example}.`)
  return value
}

export function numberOption(options: ParsedOptions, name: string, min: number, max: number): number | undefined {
  const value = parsedNumber(options, name)
  if (value === undefined) return undefined
  if (value >= min && value <= max) return value
  throw new UsageError(`--${name} must be a number from ${min} to ${max}.`)
}

export function wholeOption(options: ParsedOptions, name: string, min: number, max: number): number | undefined {
  const value = parsedNumber(options, name)
  if (value === undefined) return undefined
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}.`)
}

/** An option that may be given more than once. */
function repeatedOption(options: ParsedOptions, name: string): readonly string[] {
  const value = options[camelCase(name)]
  if (value === undefined) return []
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (values.some((one) => typeof one === 'boolean' || one === '')) throw new UsageError(`--${name} needs a value.`)
  return values.map(String)
}

/** Origins as browsers send them, and what else may be given. */
export function originsOption(options: ParsedOptions, name: string, others: readonly string[] = []): readonly string[] {
  return repeatedOption(options, name).map((text) => {
    if (others.includes(text)) return text
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url !== undefined && url.origin !== 'null' && url.href === `${url.origin}/`) return url.origin
    throw new UsageError(`--${name} must be ${['an origin, as http://localhost:5173', ...others].join(', or ')}; not ${text}.`)
  })
}

export function listOption(options: ParsedOptions, name: string): readonly string[] | undefined {
  return textOption(options, name)
    ?.split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

function parsedNumber(options: ParsedOptions, name: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new UsageError(`--${name} must be a number, not ${text}.`)
}

function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

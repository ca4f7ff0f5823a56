import { argv, exit, stderr, stdout } from 'node:process'
import { parseArgs } from 'node:util'

// A reader that has seen enough (`| head`) is no failure.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error
  })
}

/** Of the simulator, which is not built yet when options are read. */
export const MAX_SEED = 2 ** 32 - 1
/** Each is a process. */
export const MAX_WORKERS = 1_000

/**
 * The options of a script: `numbers` gives the least and the most that each may be, and `check` says what else is wrong; what is no option is refused, unless
 * `allowPositionals` has it among them as `positionals`. With `--help`, and where something is wrong, the process ends here.
 */
export function argumentsOf({ name, help, options = {}, numbers = {}, allowPositionals = false, check = () => undefined }) {
  try {
    const known = { help: { type: 'boolean', short: 'h', default: false }, ...options }
    const { values: given, positionals } = parseArgs({ args: argv.slice(2), options: known, allowPositionals })
    const values = { ...given, positionals }
    if (values.help) {
      console.log(help)
      return exit(0)
    }
    for (const [option, range] of Object.entries(numbers))
      if (values[option] !== undefined) values[option] = whole(option, values[option], range)
    const problem = check(values)
    if (problem !== undefined) throw new Error(problem)
    return values
  } catch (error) {
    console.error(`${name}: ${error.message.replaceAll('\n', ' ')} See --help.`)
    return exit(2)
  }
}

/** Where `--seeds` would go beyond the last seed. */
export function tooManySeeds({ from, seeds }) {
  return from + seeds - 1 > MAX_SEED ? `--from and --seeds go beyond the last seed, ${MAX_SEED}.` : undefined
}

function whole(option, text, [min, max = Number.MAX_SAFE_INTEGER]) {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Error(`--${option} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}.`)
}

import { setImmediate } from 'node:timers/promises'

const WATCHED = [Object.prototype, Array.prototype, Function.prototype, String.prototype, Promise.prototype]

/** What must not happen in the process, whatever it is given. */
export function watchProcess() {
  const before = WATCHED.map(fingerprint)
  let found = []
  process.on('unhandledRejection', (error) => found.push(`unhandled rejection: ${textOf(error)}`))
  process.on('uncaughtException', (error) => found.push(`crash: ${textOf(error)}`))

  return {
    async problems() {
      await setImmediate()
      const polluted = WATCHED.filter((prototype, at) => fingerprint(prototype) !== before[at])
      const all = [...found, ...polluted.map((prototype) => `pollution of ${prototype.constructor.name}.prototype`)]
      found = []
      return all
    },
  }
}

function fingerprint(prototype) {
  return Reflect.ownKeys(prototype).map(String).join()
}

export function textOf(error) {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

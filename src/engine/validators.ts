import { copyJson } from '../core/copy-json.ts'
import { TimeoutError, ValidationError } from '../core/errors.ts'
import { INVALID, refusalIn, type RootOf } from '../core/issues.ts'
import type { Json } from '../core/json.ts'
import type { Settings } from '../core/options.ts'
import type { Clock } from '../core/ports.ts'
import type { StandardSchema } from '../core/standard-schema.ts'

/** What a schema has against a value; undefined: nothing. */
export type Verdict = ValidationError | undefined

/** The time that those have who are asked together. */
export interface Deadline {
  /** Rejects when the time is up, or was called off. */
  within<T>(promise: PromiseLike<T>): Promise<T>
  /** Nobody is waited for any more. */
  end(): void
}

const LIMIT_MS = 5_000

export type Validators = ReturnType<typeof createValidators>

/** The schemas of the application. They see copies, for what is stored and sent is what was given; those that answer at once are not waited for. */
export function createValidators({ entities, sendTimeoutMs }: Settings, clock: Clock) {
  const limitMs = Math.min(LIMIT_MS, sendTimeoutMs / 2)

  function ask(schema: StandardSchema | undefined, value: Json, rootOf: RootOf, deadline?: Deadline): Verdict | Promise<Verdict> {
    if (schema === undefined) return undefined
    const failed = (cause: unknown): ValidationError => schemaFailed(rootOf(undefined), cause)
    const read = (answer: unknown): Verdict => refusalIn(answer, rootOf)
    try {
      const answer = schema['~standard'].validate(copyJson(value))
      if (!isPromise(answer)) return read(answer)
      const own = deadline ?? until()
      const answered = own.within(answer).then(read).catch(failed)
      return deadline === undefined ? answered.finally(own.end) : answered
    } catch (cause) {
      return failed(cause)
    }
  }

  /** Begins with the first who is waited for. */
  function until(signal?: AbortSignal): Deadline {
    let late: Promise<never> | undefined
    let end = (): void => {}

    function begin(): Promise<never> {
      const promise = new Promise<never>((_, reject) => {
        const calledOff = (): void => reject(signal?.reason)
        const cancel = clock.schedule(() => reject(new TimeoutError(`The schema did not answer within ${limitMs} ms.`)), limitMs)
        signal?.addEventListener('abort', calledOff)
        end = () => {
          cancel()
          signal?.removeEventListener('abort', calledOff)
        }
      })
      promise.catch(() => end())
      return promise
    }

    return {
      within: (promise) => Promise.race([promise, (late ??= begin())]),
      end: () => end(),
    }
  }

  return {
    /** Whether anything is checked of this kind of entity. */
    concerns(entity: string): boolean {
      const { schema, payloads } = entities[entity] ?? {}
      return (schema ?? payloads) !== undefined
    },
    hasSchema: (entity: string): boolean => entities[entity]?.schema !== undefined,
    /** A whole entity. */
    value: (entity: string, value: Json, rootOf: RootOf, deadline?: Deadline) =>
      ask(entities[entity]?.schema, value, rootOf, deadline),
    /** What an operation of this type carries; null where it carries nothing. */
    payload(entity: string, type: string, payload: Json, rootOf: RootOf): Verdict | Promise<Verdict> {
      const { payloads } = entities[entity] ?? {}
      const schema = payloads !== undefined && Object.hasOwn(payloads, type) ? payloads[type] : undefined
      return ask(schema, payload, rootOf)
    },
    until,
    /** One that is asked alone. */
    async alone(signal: AbortSignal, question: (deadline: Deadline) => Verdict | Promise<Verdict>): Promise<Verdict> {
      const deadline = until(signal)
      try {
        return await question(deadline)
      } finally {
        deadline.end()
      }
    },
  }
}

export function throwIfRefused(verdict: Verdict): void {
  if (verdict !== undefined) throw verdict
}

function isPromise(answer: unknown): answer is PromiseLike<unknown> {
  return typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function'
}

function schemaFailed(path: string, cause: unknown): ValidationError {
  return new ValidationError(path, 'can not be checked, for the schema failed: see cause. Mend the schema.', {
    code: INVALID,
    cause,
  })
}

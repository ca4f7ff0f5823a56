import { isRecord } from './schema.ts'

/** Calls what the application gave. If it throws, or what it promises fails, nobody is harmed: `failed` is told. */
export function callGuarded<T>(handler: (value: T) => unknown, value: T, failed: (error: unknown) => void): void {
  try {
    const result = handler(value)
    if (isRecord(result) && typeof result['then'] === 'function') Promise.resolve(result).catch(failed)
  } catch (error) {
    failed(error)
  }
}

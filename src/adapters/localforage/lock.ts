const queues = new Map<string, Promise<unknown>>()

/**
 * Runs the task while nobody else holds the lock: a Web Lock, thus over all tabs and workers of the origin. Where there are
 * no Web Locks, only over this page.
 */
export async function withLock<T>(name: string, task: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks
  if (!locks) return inPage(name, task)
  let result: { readonly value: T } | undefined
  await locks.request(name, async () => {
    result = { value: await task() }
  })
  if (!result) throw new DOMException(`The lock ${name} was taken away.`, 'AbortError')
  return result.value
}

async function inPage<T>(name: string, task: () => Promise<T>): Promise<T> {
  const before = queues.get(name) ?? Promise.resolve()
  const run = before.then(task)
  const settled = run.catch(() => {})
  queues.set(name, settled)
  try {
    return await run
  } finally {
    if (queues.get(name) === settled) queues.delete(name)
  }
}

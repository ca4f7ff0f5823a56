import type { World } from './world.ts'

/** What somebody else does to the server, behind the engine's back. Gives the status of the answer. */
export async function elsewhere(world: World, method: string, path: string, body?: object): Promise<number> {
  const response = await fetch(world.url + path, {
    method,
    headers: {
      'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      'idempotency-key': `"${crypto.randomUUID()}"`,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  await response.body?.cancel()
  return response.status
}

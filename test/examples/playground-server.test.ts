import { expect, it, onTestFinished } from 'vitest'
import { startPlayground } from '../../examples/playground/serve.mjs'

it('C9 the server of the playground outlives a request for a path that is none', async () => {
  const playground = await startPlayground()
  onTestFinished(() => playground.close())
  expect((await fetch(`${playground.url}//`)).status).toBe(404)
  expect((await fetch(playground.url)).status).toBe(200)
}, 60_000)

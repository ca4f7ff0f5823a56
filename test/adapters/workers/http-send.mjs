// Sends two operations to the server that it is given, says what became of them, and has no reason to stay.
import { argv, stdout } from 'node:process'
import { httpTransport } from 'synchart/transport/http'

const transport = httpTransport({ baseURL: argv[2] })
const { signal } = new AbortController()
for (const sequence of [1, 2]) {
  const request = transport.prepare({
    id: `op${sequence}`,
    type: 'update',
    entity: 'note',
    entityId: 'n1',
    payload: { sequence },
  })
  const outcome = await transport.send(request, { idempotencyKey: `key-${sequence}`, clientId: 'c1', sequence, signal })
  stdout.write(`${outcome.type}\n`)
}

// One service over two implementations: fetch while there is a network, the outbox otherwise. Run by `npm run build && node examples/composite.mjs`.
import { createSyncEngine, NetworkError } from 'synchart'
import { createCompositeService } from 'synchart/composite'
import { startServer } from 'synchart/server'
import { memoryStorage } from 'synchart/storage/memory'
import { httpTransport } from 'synchart/transport/http'

const server = await startServer()
const engine = createSyncEngine({
  storage: memoryStorage(),
  transport: httpTransport({ baseURL: server.url }),
  entities: { order: {} },
})
await engine.start()

class HttpOrders {
  #url = server.url

  async place(id, order, key) {
    const response = await this.#post({ ...order, id }, key) // as the outbox sends it: one key, one content
    if (!response.ok) throw new Error(`The server refused the order (${response.status}).`)
    return 'placed'
  }

  async #post(order, key) {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': `"${key}"` }
    try {
      return await fetch(`${this.#url}/order`, { method: 'POST', headers, body: JSON.stringify(order) })
    } catch (cause) {
      throw new NetworkError('The order did not get through, or its answer did not.', { cause })
    }
  }
}

const waiting = []
const offlineOrders = {
  async place(id, order, key) {
    waiting.push(await engine.enqueue({ type: 'create', entity: 'order', id, payload: order, idempotencyKey: key }))
    return 'kept'
  },
}

let online = true
const orders = createCompositeService({ online: new HttpOrders(), offline: offlineOrders, isOnline: () => online })

console.log('o1', await orders.place('o1', { total: 12 }, crypto.randomUUID()))
server.setFaults({ rate: 1, weights: { 'drop-response': 1 } }) // the effect, and then no answer
console.log('o2', await orders.place('o2', { total: 7 }, crypto.randomUUID()))
server.setFaults(undefined)
online = false
console.log('o3', await orders.place('o3', { total: 3 }, crypto.randomUUID()))

console.log(await Promise.all(waiting.map(({ settled }) => settled)))
console.log(server.ledger().length, 'effects for', server.state('order').length, 'orders')
await engine.stop()
await server.close()

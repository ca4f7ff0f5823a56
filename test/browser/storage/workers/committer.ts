import { indexedDbStorage } from '../../../../src/adapters/indexeddb/index.ts'
import { localforageStorage } from '../../../../src/adapters/localforage/index.ts'
import { schema } from '../../../adapters/storage-world.ts'

const given = new URLSearchParams(self.location.search)
const name = given.get('name')!
const storage = given.get('kind') === 'indexeddb' ? indexedDbStorage({ name }) : localforageStorage({ name, driver: 'INDEXEDDB' })
await storage.open(schema)
for (let batch = 0; ; batch++) {
  const rows = Array.from({ length: 20 }, (_, row) => ({ id: `${batch}-${row}`, lane: `batch${batch}` }))
  await storage.commit(rows.map((value) => ({ type: 'append', collection: 'operations', value })))
  postMessage({ type: 'acknowledged', batch })
}

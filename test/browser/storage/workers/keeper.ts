import { indexedDbStorage } from '../../../../src/adapters/indexeddb/index.ts'
import { schema } from '../../../adapters/storage-world.ts'

const name = new URLSearchParams(self.location.search).get('name')!
const storage = indexedDbStorage({ name, persist: true })
const opened = await storage.open(schema).then(
  () => 'opened',
  (error: unknown) => String(error),
)
await storage.close()
postMessage(opened)

// Seals a store with its newer key in small batches, prints what each has reached, then "done"; a writer beside it counts up meanwhile.
import { writeSync } from 'node:fs'
import { argv } from 'node:process'
import { encryptedStorage, keyFromPassphrase } from 'synchart/storage/encrypted'
import { sqliteStorage } from 'synchart/storage/sqlite'

const [, , path, current, ...others] = argv
const schema = { version: 1, collections: { rows: { key: 'id', compared: ['rev'], indexes: { byTag: { fields: ['tag'] } } } } }
const keys = async ({ salt }) => {
  const derive = async (id) => [id, await keyFromPassphrase(id, { salt, iterations: 1_000 })]
  return { current, all: Object.fromEntries(await Promise.all([current, ...others].map(derive))) }
}
const handle = () => encryptedStorage({ storage: sqliteStorage({ path }), keys })
const [storage, writer] = [handle(), handle()]
await storage.open(schema)
await writer.open(schema)

const done = new AbortController()
async function count() {
  for (let n = 0; !done.signal.aborted; n = (n + 7) % 300) {
    const { value } = await writer.get('rows', `r${n}`)
    const next = { ...value, rev: value.rev + 1, text: `written ${value.rev + 1}` }
    const expect = [{ collection: 'rows', key: next.id, field: 'rev', equals: value.rev }]
    await writer.commit([{ type: 'put', collection: 'rows', value: next, was: value }], { expect })
    writeSync(1, `${next.id} ${next.rev}\n`)
  }
}

const counting = count()
await storage.rotate({ batchSize: 10, onProgress: ({ resealed }) => writeSync(1, `resealed ${resealed}\n`) })
done.abort()
await counting
await storage.close()
await writer.close()
writeSync(1, 'done\n')

// Commits batches of 20 rows for ever, and prints the number of each batch once its commit has resolved.
import { writeSync } from 'node:fs'
import { argv } from 'node:process'
import { sqliteStorage } from 'synchart/storage/sqlite'

const [, , path, firstBatch] = argv
const schema = {
  version: 1,
  collections: {
    rows: {
      key: 'seq',
      autoIncrement: true,
      indexes: { byBatch: { fields: ['batch', 'seq'] }, byName: { fields: ['name'], unique: true } },
    },
  },
}

const storage = sqliteStorage({ path })
await storage.open(schema)
for (let batch = Number(firstBatch); ; batch++) {
  const rows = Array.from({ length: 20 }, (_, row) => ({ batch, name: `${batch}/${row}`, text: 'x'.repeat(200) }))
  await storage.commit(rows.map((value) => ({ type: 'append', collection: 'rows', value })))
  writeSync(1, `${batch}\n`)
}

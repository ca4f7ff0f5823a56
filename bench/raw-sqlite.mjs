/**
 * The raw limit: the same driver, the same file settings, and the very tables, indexes and columns that an engine's store has, filled
 * by prepared statements with rows as the engine writes them.
 */
export async function openRaw(path, modelPath) {
  const model = await openDatabase(modelPath)
  const schema = model.prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'").all()
  const table = model.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%operations%'").get().name
  const columns = model.prepare(`SELECT * FROM "${table}" LIMIT 1`).get()
  model.close()
  const database = await openDatabase(path)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  for (const { sql } of schema) database.exec(sql)
  const names = Object.keys(columns).filter((name) => name !== 'seq' && name !== '_metadata')
  const insert = database.prepare(
    `INSERT INTO "${table}" (${names.map((name) => `"${name}"`).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
  )
  const text = names.find((name) => typeof columns[name] === 'string' && columns[name].startsWith('{'))
  const row = JSON.parse(columns[text])
  let count = 0
  return {
    commit(total, size) {
      for (let done = 0; done < total; done += size) {
        database.exec('BEGIN IMMEDIATE')
        for (let i = 0; i < size; i++) {
          const id = `raw-${++count}-0000-7000-8000-000000000000`
          const values = {
            ...columns,
            id,
            lane: `default/note/${id}`,
            [text]: JSON.stringify({ ...row, id, lane: `default/note/${id}` }),
          }
          insert.run(...names.map((name) => values[name]))
        }
        database.exec('COMMIT')
      }
    },
    close: () => database.close(),
  }
}

export async function openDatabase(path) {
  try {
    const { DatabaseSync } = await import('node:sqlite')
    return new DatabaseSync(path)
  } catch {
    const { default: Database } = await import('libsql')
    return new Database(path)
  }
}

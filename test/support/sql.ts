import { openDatabase } from '../../src/server/database.ts'

/** Runs SQL on the file of a store, behind everybody's back. */
export async function sqlOn(path: string, text: string): Promise<void> {
  const database = await openDatabase(path)
  try {
    database.exec(text)
  } finally {
    database.close()
  }
}

import { rm, writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { EntityOptions } from '../../src/index.ts'

const dist = new URL('../../dist/', import.meta.url)

/** The `entities` of an example. It is run beside the built package, so that it finds that by its own name, and what is installed. */
export async function entitiesIn(code: string): Promise<Record<string, EntityOptions>> {
  const file = fileURLToPath(new URL(`example-${process.pid}-${crypto.randomUUID()}.mjs`, dist))
  await writeFile(file, `${code}\nexport { entities }\n`)
  try {
    const { entities } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      entities: Record<string, EntityOptions>
    }
    return entities
  } finally {
    await rm(file)
  }
}

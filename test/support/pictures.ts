import { mkdirSync } from 'node:fs'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright'

const folder = fileURLToPath(new URL('../../docs/pictures/', import.meta.url))

/** A picture for the documents, as the page is now. Only where they are to be taken anew: with `SYNCHART_PICTURES=1`. */
export async function picture(page: Page, name: string): Promise<void> {
  if (env['SYNCHART_PICTURES'] === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: `${folder}${name}.png`, animations: 'disabled' })
}

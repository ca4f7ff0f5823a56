// The parts of dist that no compiler makes: the drawings as a module, and the inspector's page in one file, with nothing to load from elsewhere.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Into a folder that holds what was compiled. */
export async function bundleInspector(root, folder) {
  const diagrams = join(root, 'visualizations/diagrams')
  const drawings = readdirSync(diagrams)
    .filter((file) => file.endsWith('.svg'))
    .map((file) => [file.replace('.svg', ''), readFileSync(join(diagrams, file), 'utf8')])
  const module = `export const drawings = ${JSON.stringify(Object.fromEntries(drawings))}\n`
  writeFileSync(join(folder, 'visualizations/inspector/drawings.mjs'), module)
  await build({
    entryPoints: [join(folder, 'visualizations/inspector/page.js')],
    outfile: join(folder, 'visualizations/inspector/page.bundle.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    logLevel: 'warning',
  })
}

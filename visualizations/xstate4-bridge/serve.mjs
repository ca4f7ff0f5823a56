import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { startServer } from '../../dist/src/server/index.js'

const STYLE =
  'body { font: 14px system-ui; margin: 0 } iframe { border: 0; width: 100vw; height: 100vh } td { padding: 2px 12px; white-space: nowrap }'

/** The demo's pages and a server for its notes, on the loopback. */
export async function serveDemo({ port = 0, faults } = {}) {
  const scripts = new Map(await Promise.all(['page', 'viewer'].map(bundled)))
  const web = createServer(({ url }, response) => {
    const { pathname } = new URL(`http://demo${url}`)
    const script = scripts.get(pathname)
    const [type, text] =
      script === undefined ? ['text/html', html(pathname === '/viewer' ? 'viewer' : 'page')] : ['text/javascript', script]
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(text)
  })
  web.listen(port, '127.0.0.1')
  await once(web, 'listening')
  const origin = `http://127.0.0.1:${web.address().port}`
  const server = await startServer({ port: 0, corsOrigins: [origin], faults })
  return {
    url: (query = {}) => `${origin}/?${new URLSearchParams({ server: server.url, ...query })}`,
    server,
    async close() {
      web.closeAllConnections()
      web.close()
      await server.close()
    },
  }
}

/** What stands here finds XState 4, and `dist` the XState of the engine. */
async function bundled(name) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`demo/${name}.mjs`, import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    write: false,
    logLevel: 'warning',
  })
  return [`/${name}.js`, outputFiles[0].text]
}

function html(name) {
  return `<!doctype html><meta charset="utf-8"><title>${name}</title><style>${STYLE}</style><body><script type="module" src="/${name}.js"></script>`
}

// The pages of the playground, bundled as they are, and the reference server behind them. Listens on this machine alone.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { startServer } from 'synchart/server'

const folder = fileURLToPath(new URL('.', import.meta.url))
const HOST = '127.0.0.1'

/** `port` 0 takes a free one. */
export async function startPlayground({ port = 0 } = {}) {
  const files = await filesOf()
  const web = createServer((request, response) => {
    const { pathname, searchParams } = new URL(`http://playground${request.url}`)
    const file = files.get(pathname)
    // A page that is loaded anew may still name the API of an earlier run.
    if (pathname === '/device' && searchParams.get('api') !== api.url) {
      searchParams.set('api', api.url)
      return response.writeHead(302, { location: `/device?${searchParams}` }).end()
    }
    if (file === undefined) return response.writeHead(404).end()
    response.writeHead(200, headersOf(file.type, api.url)).end(file.body)
  })
  await new Promise((resolve, reject) => web.once('error', reject).listen(port, HOST, resolve))
  const url = `http://${HOST}:${web.address().port}`
  const api = await startServer({ port: 0, corsOrigins: [url] })
  return {
    url,
    apiUrl: api.url,
    async close() {
      web.closeAllConnections()
      await new Promise((resolve) => web.close(resolve))
      await api.close()
    },
  }
}

async function filesOf() {
  const { outputFiles } = await build({
    entryPoints: ['device.tsx', 'desk.ts'],
    absWorkingDir: folder,
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    // As an application does it: by the package's exports, not by our paths.
    tsconfigRaw: { compilerOptions: { jsx: 'react-jsx' } },
    define: { 'process.env.NODE_ENV': '"production"' },
    write: false,
    logLevel: 'silent',
  })
  const scripts = outputFiles.map(({ path, text }) => [path.slice(folder.length - 1), { type: 'text/javascript', body: text }])
  const read = (name, type) => ({ type, body: readFileSync(new URL(name, import.meta.url), 'utf8') })
  return new Map([
    ...scripts,
    ['/', read('index.html', 'text/html; charset=utf-8')],
    ['/device', read('device.html', 'text/html; charset=utf-8')],
    ['/style.css', read('style.css', 'text/css')],
  ])
}

/** Nothing is loaded from elsewhere, and only the API is spoken to. */
function headersOf(type, api) {
  const connect = `${api} ${api.replace('http', 'ws')}`
  const policy = `default-src 'self'; connect-src ${connect}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'`
  return { 'content-type': type, 'content-security-policy': policy, 'cache-control': 'no-store' }
}

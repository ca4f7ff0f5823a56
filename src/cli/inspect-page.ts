import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Nothing from elsewhere, nothing inline, and in nobody's frame. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

const STYLE = 'html,body{margin:0;height:100%}@media(prefers-color-scheme:dark){html{background:#0d1117}}'
const SCRIPT = new URL('../../visualizations/inspector/page.bundle.js', import.meta.url)

/** What is served below the token: the page, its script and style, and the trace if one is shown. */
export async function inspectorPage(
  trace: Uint8Array | undefined,
): Promise<(path: string, request: IncomingMessage, response: ServerResponse) => void> {
  const script = await readFile(SCRIPT, 'utf8')
  const html = `<!doctype html>
<html lang="en"${trace === undefined ? '' : ' data-trace'}>
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>synchart inspector</title><link rel="icon" href="data:,"><link rel="stylesheet" href="page.css"><script type="module" src="page.js"></script>
<body></body>
</html>
`
  const files: Readonly<Record<string, readonly [type: string, body: string | Uint8Array]>> = {
    '': ['text/html; charset=utf-8', html],
    'page.js': ['text/javascript; charset=utf-8', script],
    'page.css': ['text/css; charset=utf-8', STYLE],
    ...(trace === undefined ? {} : { trace: ['application/x-ndjson; charset=utf-8', trace] as const }),
  }

  return (path, request, response) => {
    const file = Object.hasOwn(files, path) ? files[path] : undefined
    if (file === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return refuse(response)
    response.writeHead(200, { ...HEADERS, 'Content-Type': file[0] }).end(request.method === 'HEAD' ? '' : file[1])
  }
}

/** What the page asks for lies beside it. */
export function lead(response: ServerResponse, path: string): void {
  response.writeHead(308, { ...HEADERS, Location: path }).end()
}

export function refuse(response: ServerResponse): void {
  response
    .writeHead(404, { ...HEADERS, 'Content-Type': 'text/plain' })
    .end('Not found. The address has a token: take it from where `synchart inspect` runs.\n')
}

import { createServer } from 'node:http'
import { startServer } from 'synchart/server'
import { payload } from './support.mjs'

const PAGE = 1_000

if (process.argv[2] === 'plain') {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(201, { 'content-type': 'application/json', etag: '"1"' })
      response.end('{"id":"x","version":"1"}')
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
} else if (process.argv[2] === 'pages') {
  const pages = pagesOf(Number(process.argv[3]))
  const server = createServer((request, response) => {
    const cursor = Number(new URL(request.url, 'http://x').searchParams.get('cursor') ?? 0)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(pages[cursor / PAGE])
  })
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
} else {
  const { url } = await startServer({ database: ':memory:', bodyLimitBytes: 16 * 1_048_576 })
  console.log(url)
}

function pagesOf(count) {
  return Array.from({ length: count / PAGE }, (_, page) => {
    const changes = Array.from({ length: PAGE }, (_, n) => changeOf(page * PAGE + n))
    return JSON.stringify({ changes, cursor: String((page + 1) * PAGE), hasMore: (page + 1) * PAGE < count })
  })
}

function changeOf(n) {
  const [id, version] = [`n${n}`, String(n + 1)]
  return { id, version, value: { id, ...payload(n), version } }
}

import { createServer } from 'node:http'
import { startServer } from 'synchart/server'

if (process.argv[2] === 'plain') {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(201, { 'content-type': 'application/json', etag: '"1"' })
      response.end('{"id":"x","version":"1"}')
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
} else {
  const { url } = await startServer({ database: ':memory:', bodyLimitBytes: 16 * 1_048_576 })
  console.log(url)
}

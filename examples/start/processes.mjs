import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const serverFile = fileURLToPath(new URL('./server.mjs', import.meta.url))

/** A server with these options in a process of its own. */
export async function startServerProcess(options) {
  const child = fork(serverFile, [JSON.stringify(options)])
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`The server ended with ${code} before it was ready.`)
  })
  const [{ url }] = await Promise.race([once(child, 'message'), failed])
  failed.catch(() => {})
  return {
    url,
    async report() {
      const answer = once(child, 'message')
      child.send('report')
      const [report] = await answer
      return report
    },
    async stop() {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

/**
 * `synchart push` in a process of its own. `onProgress` gets each state that it tells. `ended` resolves with the exit code or signal, the last state and,
 * unless it was killed, the summary.
 */
export function startPush({ file, url, store, options = [], onProgress }) {
  const child = spawn(
    process.execPath,
    [command, 'push', file, '--to', url, '--store', store, '--progress', 'json', '--json', ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let last
  const notes = []
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text))
  createInterface({ input: child.stderr }).on('line', (line) => {
    const message = parsed(line)
    if (message?.type !== 'progress') return notes.push(message?.text ?? line)
    last = message
    onProgress?.(message)
  })
  const ended = once(child, 'close').then(([code, signal]) => ({
    code,
    signal,
    last,
    notes,
    summary: signal === null ? parsed(output) : undefined,
  }))
  return { kill: () => child.kill('SIGKILL'), ended }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

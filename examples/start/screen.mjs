const WIDTH = 28
const PLAIN_MS = 1_000
const BAR_MS = 80

/** Live progress: a bar on a terminal, else a line every second. */
export function createScreen(stream = process.stdout) {
  const everyMs = stream.isTTY ? BAR_MS : PLAIN_MS
  let shownAt = -Infinity

  function clear() {
    if (stream.isTTY) stream.write('\r\u001B[2K')
  }

  return {
    progress(done, total, text) {
      if (performance.now() - shownAt < everyMs) return
      shownAt = performance.now()
      const share = total === 0 ? 1 : Math.min(1, done / total)
      const line = `${bar(share)} ${String(Math.floor(100 * share)).padStart(3)} %  ${text}`
      clear()
      stream.write(stream.isTTY ? line.slice(0, (stream.columns || 80) - 1) : `${line}\n`)
    },
    say(text) {
      clear()
      stream.write(`${text}\n`)
      shownAt = -Infinity
    },
  }
}

function bar(share) {
  const filled = Math.floor(WIDTH * share)
  return `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`
}

/** Rows of a name and a value, numbers to the right. */
export function table(rows) {
  const names = Math.max(...rows.map(([name]) => name.length))
  const texts = rows.map(([, value]) => (typeof value === 'number' ? value.toLocaleString('en-US') : value))
  const numbers = Math.max(...rows.map(([, value], at) => (typeof value === 'number' ? texts[at].length : 0)))
  return rows.map(([name, value], at) => {
    const text = typeof value === 'number' ? texts[at].padStart(numbers) : texts[at]
    return `  ${name.padEnd(names)}  ${text}`
  })
}

import { stderr, stdout } from 'node:process'
import { visibleText } from '../core/visible-text.ts'

/** Results go to `out`, everything else to `err`; of control characters only line breaks get there. */
export interface Io {
  out(text: string): void
  err(text: string): void
  /** To `err` as it is, to draw over a line. */
  draw(text: string): void
  /** Whether people watch `err` on a terminal. */
  readonly isTerminal: boolean
  readonly hasColours: boolean
  columns(): number
}

export function processIo(): Io {
  stdout.on('error', endUnwritten)
  // Work goes on though nobody can be told of it.
  stderr.on('error', () => {})
  const isTerminal = stderr.isTTY
  return {
    out: (text) => void stdout.write(shown(text)),
    err: (text) => void stderr.write(shown(text)),
    draw: (text) => void stderr.write(text),
    isTerminal,
    hasColours: isTerminal && !process.env['NO_COLOR'],
    columns: () => stderr.columns || 80,
  }
}

/** What comes from elsewhere moves no cursor. */
function shown(lines: string): string {
  return lines.split('\n').map(visibleText).join('\n')
}

/** A reader that has seen enough (`| head`) is no failure. */
function endUnwritten(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return
  stderr.write(`synchart: The result could not be written: ${error.message}\n`)
  process.exit(1)
}

/** One JSON document. */
export function printJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`)
}

type Cell = string | number

/** Two columns, numbers to the right; each row is one line. */
export function table(rows: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  const cells = rows.map(([, cell]) => (typeof cell === 'number' ? grouped(cell) : visibleText(cell)))
  const numbers = Math.max(0, ...rows.map(([, cell], at) => (typeof cell === 'number' ? (cells[at]?.length ?? 0) : 0)))
  return rows
    .map(([name, cell], at) => {
      const text = cells[at] ?? ''
      return `  ${name.padEnd(width)}  ${typeof cell === 'number' ? text.padStart(numbers) : text}\n`
    })
    .join('')
}

/** 1234567 → 1,234,567 */
export function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** A time as ISO 8601 has it; what damage made of one is a number that no date has. */
export function instant(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? `${at} ms` : date.toISOString()
}

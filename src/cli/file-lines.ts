import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { UsageError } from './errors.ts'
import { isEntityName, parseLine } from './line.ts'

export interface FileLine {
  /** From 1. */
  readonly number: number
  /** Undefined: too long, or not UTF-8. */
  readonly text: string | undefined
  readonly problem?: string
}

/** What a first reading of the file tells. */
export interface Survey {
  readonly path: string
  /** The bytes that were read: what is appended later is not part of it. */
  readonly sizeBytes: number
  /** SHA-256 of the content, in hex. */
  readonly hash: string
  /** Lines that are not blank. */
  readonly lines: number
  readonly entities: readonly string[]
}

const LONGEST_LINE_BYTES = 8 * 1_048_576
const NEWLINE = 0x0a
const ENTITY_LIMIT = 1_000

/** Reads the file once, without holding it: its identity, how long it is, and what it is about. Once it is told to stop, it tells of a part alone. */
export async function surveyFile(path: string, stop: AbortSignal): Promise<Survey> {
  const sizeBytes = await sizeOf(path)
  const hash = createHash('sha256')
  const entities = new Set<string>()
  let lines = 0
  for await (const { text } of linesOf(path, sizeBytes, (chunk) => hash.update(chunk))) {
    if (stop.aborted) break
    lines += 1
    const parsed = text === undefined ? undefined : parseLine(text)
    if (parsed?.type === 'operation' && isEntityName(parsed.input.entity) && entities.size < ENTITY_LIMIT)
      entities.add(parsed.input.entity)
  }
  return { path, sizeBytes, hash: hash.digest('hex'), lines, entities: [...entities] }
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path)
    if (found.isFile()) return found.size
  } catch (cause) {
    throw new UsageError(`${path} can't be read. Name a file of operations, one JSON object a line.`, { cause })
  }
  throw new UsageError(`${path} is not a file. Name a file of operations, one JSON object a line.`)
}

/** The lines that are not blank, by line feeds alone: other separators may stand inside JSON. */
export async function* linesOf(
  path: string,
  sizeBytes: number,
  seen: (chunk: Buffer) => void = () => {},
): AsyncGenerator<FileLine> {
  if (sizeBytes === 0) return
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { end: sizeBytes - 1 })
  let rest: Buffer[] = []
  let restBytes = 0
  let number = 0

  function* take(last: Buffer): Generator<FileLine> {
    number += 1
    const tooLong = restBytes + last.length > LONGEST_LINE_BYTES
    const line = tooLong
      ? problemAt(number, `is longer than ${LONGEST_LINE_BYTES} bytes`)
      : decoded(decoder, Buffer.concat([...rest, last]), number)
    rest = []
    restBytes = 0
    if (line.text === undefined || line.text.trim() !== '') yield line
  }

  for await (const chunk of chunks) {
    seen(chunk)
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      yield* take(chunk.subarray(from, end))
      from = end + 1
    }
    restBytes += chunk.length - from
    if (restBytes <= LONGEST_LINE_BYTES) rest.push(chunk.subarray(from))
  }
  if (restBytes > 0) yield* take(Buffer.alloc(0))
}

function decoded(decoder: TextDecoder, bytes: Buffer, number: number): FileLine {
  try {
    return { number, text: decoder.decode(bytes) }
  } catch {
    return problemAt(number, 'is not UTF-8')
  }
}

function problemAt(number: number, problem: string): FileLine {
  return { number, text: undefined, problem }
}

import { Refusal } from './problems.ts'

/** The part of a request that its body is read from. */
export interface BodySource {
  header(name: string): string | undefined
  arrayBuffer(): Promise<ArrayBuffer>
  readonly raw: { readonly body: ReadableStream<Uint8Array> | null }
}

/** The body as text. @throws Refusal 413 if it is larger than the limit, 400 if it is not UTF-8. */
export async function readBody(source: BodySource, limitBytes: number): Promise<string> {
  const announced = source.header('content-length')
  if (announced !== undefined && Number(announced) > limitBytes) throw tooLarge(limitBytes)
  // Node lets no body pass that is longer than it was announced.
  const bytes =
    announced === undefined ? await readStream(source.raw.body, limitBytes) : new Uint8Array(await source.arrayBuffer())
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Refusal('invalid-json', 'Send the body as UTF-8.')
  }
}

async function readStream(stream: ReadableStream<Uint8Array> | null, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (stream === null) return new Uint8Array()
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks)
    size += value.byteLength
    if (size > limitBytes) throw await given(reader, limitBytes)
    chunks.push(value)
  }
}

async function given(reader: ReadableStreamDefaultReader<Uint8Array>, limitBytes: number): Promise<Refusal> {
  await reader.cancel()
  return tooLarge(limitBytes)
}

function tooLarge(limitBytes: number): Refusal {
  return new Refusal('content-too-large', `Send at most ${limitBytes} bytes.`)
}

export interface ServerSentEvent {
  readonly type: string
  readonly data: string
}

/** Reads an event stream bit by bit (WHATWG HTML §9.2.6). */
export interface EventParser {
  /** The events that the text completes; undefined once one is larger than the limit. */
  feed(text: string): readonly ServerSentEvent[] | undefined
}

export function createEventParser(maxCharacters: number): EventParser {
  let rest = ''
  let type = ''
  let data: string[] = []
  let size = 0

  const take = (line: string): ServerSentEvent | undefined => {
    if (line === '') return dispatch()
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
    if (field === 'event') type = value
    if (field === 'data') data.push(value)
    // A comment may be all that comes for days.
    if (field !== '') size += line.length
    return undefined
  }

  const dispatch = (): ServerSentEvent | undefined => {
    const event = { type: type === '' ? 'message' : type, data: data.join('\n') }
    const isEmpty = data.length === 0
    type = ''
    data = []
    size = 0
    return isEmpty ? undefined : event
  }

  return {
    feed(text) {
      rest += text
      const events: ServerSentEvent[] = []
      // A carriage return at the very end may be half of a line's end.
      for (let end = /\r\n|\n|\r(?!$)/.exec(rest); end !== null; end = /\r\n|\n|\r(?!$)/.exec(rest)) {
        const event = take(rest.slice(0, end.index))
        if (event !== undefined) events.push(event)
        rest = rest.slice(end.index + end[0].length)
      }
      return rest.length + size > maxCharacters ? undefined : events
    },
  }
}

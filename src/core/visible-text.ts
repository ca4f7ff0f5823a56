const UNSEEN = /[\p{Cc}\p{Bidi_Control}]/gu

/** As JSON escapes them: a terminal obeys control characters, and those of bidirectional text make one text look like another. */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

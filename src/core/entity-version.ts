/** Whether a version can stand between the quotes of an ETag (printable ASCII without space and quote). */
export function isVersion(text: string): boolean {
  return /^[\x21\x23-\x7e]+$/.test(text)
}

/** What this origin uses and may use, as the browser tells; it counts all stores of the origin together. */
export async function estimateOrigin(): Promise<{ readonly usedBytes: number; readonly quotaBytes: number | undefined }> {
  const { usage = 0, quota } = (await navigator.storage?.estimate()) ?? {}
  return { usedBytes: usage, quotaBytes: quota }
}

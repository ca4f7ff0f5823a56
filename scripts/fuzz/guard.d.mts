export function guarded(
  script: URL,
  options: { readonly workerData: unknown; readonly limitMs: number },
  heard: (news: unknown) => void,
): Promise<string | undefined>

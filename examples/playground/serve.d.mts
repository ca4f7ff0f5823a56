export interface Playground {
  readonly url: string
  readonly apiUrl: string
  close(): Promise<void>
}

export function startPlayground(options?: { readonly port?: number }): Promise<Playground>

/** From then on this process has an AbortController that keeps no simulated world alive. */
export declare function useLightAbort(): void

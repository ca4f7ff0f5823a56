/** Mulberry32: the same seed gives the same numbers. */
export declare function seededRandom(start: number): () => number

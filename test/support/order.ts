import { join, relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Two files run side by side, and two of those that wait for processes and browsers had better not: they run one after the other while one core simulates crashes.
 * The other long ones come before all that are short, so that at the end no core waits for the other.
 */
export const FIRST = [
  /^simulation\/crash\./,
  /^(?:crash|cli|realtime)\/|^(?:package|readme)\.|^adapters\/(?:sqlite-kill|service-worker|page-lifecycle|http-browser)\./,
  /^simulation\/storms\./,
  /^simulation\/planted\./,
  /^simulation\//,
]

/** Smaller ones begin first. */
export function placeOf(path: string): number {
  const place = FIRST.findIndex((pattern) => pattern.test(path))
  return place === -1 ? FIRST.length : place
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const folder = join(this.ctx.config.root, 'test')
    const place = ({ moduleId }: TestSpecification): number => placeOf(relative(folder, moduleId).replaceAll('\\', '/'))
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

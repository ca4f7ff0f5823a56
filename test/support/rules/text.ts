import { posix } from 'node:path'
import { at, matches, type Finding, type SourceFile } from './source.ts'

export function noMachinePaths(file: SourceFile): Finding[] {
  const unix = matches(file, /(?<![\w.~\-/])\/(?:work|root|home|Users)\/(?=[\w.])/g)
  const windows = matches(file, /\b[A-Z]:\\+Users\\/g)
  return [...unix, ...windows].map(({ index }) => at(file, index, 'a path of one machine means nothing on another'))
}

/** Whoever clones the repository has nothing beside it. */
export function nothingBesides(file: SourceFile): Finding[] {
  return matches(file, /(?:\.\.\/)+shared\b/g)
    .filter(([path]) => posix.join(posix.dirname(file.path), path).startsWith('..'))
    .map(({ index, 0: path }) => at(file, index, `${path} lies outside of the repository`))
}

/** A lock file that names a registry's host installs only where that host can be reached. */
export function lockWithoutHosts(file: SourceFile): Finding[] {
  if (posix.basename(file.path) !== 'package-lock.json') return []
  return matches(file, /"resolved":\s*"https?:/g).map(({ index }) => at(file, index, 'the lock file names a host'))
}

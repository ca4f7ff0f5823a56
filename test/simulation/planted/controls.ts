import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bug, type Bug } from './bug.ts'
import { BUGS } from './bugs.ts'

const EVERYTHING = [...new Set(BUGS.flatMap(({ invariants }) => invariants))].join(' ')
const LINGER = 'const LINGER_MS = 50;'

/** Every seed must be alarmed by it. */
export const MUTE: Bug = bug(
  'control: nothing is sent',
  'It shows that the alarm works.',
  'src/engine/sender.js',
  'queueMicrotask(leave);',
  'void leave;',
  'L5 L1',
)

/** No seed may be alarmed by these: the alarm is no habit, nor one of other times. */
export const HARMLESS: readonly Bug[] = [
  bug('control: nothing is changed', 'It is the same code.', 'src/engine/dispatcher.js', LINGER, LINGER, EVERYTHING),
  bug('control: other times', 'It is as good.', 'src/engine/dispatcher.js', LINGER, LINGER.replace('50', '45'), EVERYTHING),
]

/** Every invariant that a checker can tell of, as `checker invariant`: read from the sources, so that none is forgotten. */
export function reports(root: string): readonly string[] {
  const folder = join(root, 'src/testing')
  const files = [...readdirSync(join(folder, 'invariants')).map((file) => `invariants/${file}`), 'liveness.ts', 'agreement.ts']
  return files.flatMap((file) => {
    const checker = file.startsWith('invariants/') ? file.replace(/^.*\/|\.ts$/g, '') : 'liveness'
    const said = readFileSync(join(folder, file), 'utf8').matchAll(/\b(?:report|fail)\(\s*'([A-Z]\d+)'/g)
    return [...new Set([...said].map(([, invariant]) => `${checker} ${invariant}`))]
  })
}

import { insideRepository, leanIndex, oneWay, shippedOnly, testingApart, withExtension } from './imports.ts'
import { everyTestRuns, noAny, noSilencedCompiler, nothingLeftOver, portsOnly, shortFile } from './house.ts'
import { isCode, parse, type Finding, type ParsedFile, type SourceFile } from './source.ts'
import { lockWithoutHosts, noMachinePaths, nothingBesides } from './text.ts'

export { readRepository } from './source.ts'

const codeRules: Readonly<Record<string, (file: ParsedFile) => Finding[]>> = {
  oneWay,
  shippedOnly,
  testingApart,
  leanIndex,
  withExtension,
  insideRepository,
  portsOnly,
  noAny,
  noSilencedCompiler,
  nothingLeftOver,
  everyTestRuns,
  shortFile,
}

const textRules: Readonly<Record<string, (file: SourceFile) => Finding[]>> = { noMachinePaths, nothingBesides, lockWithoutHosts }

export const ruleNames: readonly string[] = [...Object.keys(codeRules), ...Object.keys(textRules)]

/** What is wrong with a file, one line for each finding. */
export function check(file: SourceFile): string[] {
  const inText = Object.entries(textRules).flatMap(([name, rule]) => rule(file).map((finding) => describe(name, finding)))
  if (!isCode(file.path)) return inText
  const parsed = parse(file)
  const inCode = Object.entries(codeRules).flatMap(([name, rule]) => rule(parsed).map((finding) => describe(name, finding)))
  return [...inCode, ...inText]
}

function describe(rule: string, { path, line, message }: Finding): string {
  return `${path}:${line} ${rule}: ${message}`
}

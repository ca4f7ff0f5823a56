import { at, isNode, walk, type Finding, type ParsedFile, type SyntaxNode } from './source.ts'

/** Only here may the real clock, the real randomness and the console be touched. */
const AMBIENT_FOLDERS = ['src/adapters/', 'src/cli/', 'src/server/']

const AMBIENT_FUNCTIONS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'requestAnimationFrame', 'requestIdleCallback'])

const AMBIENT_MEMBERS =
  /^(?:(?:globalThis|window|self)\.)?(?:Date\.now|performance\.(?:now|timeOrigin)|Math\.random|crypto\.(?:randomUUID|getRandomValues)|AbortSignal\.timeout|console\.\w+|setTimeout|setInterval|setImmediate)$/

/** They wait on a clock of their own. */
const TIMED_OPERATORS = new Set(
  'timer interval delay delayWhen debounce debounceTime throttleTime auditTime sampleTime bufferTime windowTime timeout timeoutWith timestamp timeInterval'.split(
    ' ',
  ),
)

export function portsOnly(file: ParsedFile): Finding[] {
  if (!isShipped(file) || AMBIENT_FOLDERS.some((folder) => file.path.startsWith(folder))) return []
  const found: Finding[] = []
  walk(file.program, (node, parent, field) => {
    const name = ambientUse(node, parent, field)
    if (name) found.push(at(file, node.start, `${name} is a port: only an adapter may use the real one`))
  })
  const timed = file.imports.filter(({ specifier }) => /^rxjs(?:\/|$)/.test(specifier))
  const operators = timed.flatMap(({ names, start }) =>
    names.filter((name) => TIMED_OPERATORS.has(name)).map((name) => ({ name, start })),
  )
  const timers = file.imports.filter(({ specifier }) => /^(?:node:)?timers(?:\/|$)/.test(specifier))
  return [
    ...found,
    ...operators.map(({ name, start }) => at(file, start, `rxjs ${name} waits on the real clock: use the clock port`)),
    ...timers.map(({ specifier, start }) => at(file, start, `${specifier} is the real clock: use the clock port`)),
  ]
}

function ambientUse(node: SyntaxNode, parent?: SyntaxNode, field?: string): string | undefined {
  if (node.type === 'MemberExpression') {
    const name = dottedName(node)
    return name !== undefined && AMBIENT_MEMBERS.test(name) ? name : undefined
  }
  if (node.type === 'NewExpression' && identifier(node['callee']) === 'Date' && isEmpty(node['arguments'])) return 'new Date()'
  if (node.type === 'CallExpression' && identifier(node['callee']) === 'Date') return 'Date()'
  const name = identifier(node)
  return name !== undefined && AMBIENT_FUNCTIONS.has(name) && isValue(parent, field) ? name : undefined
}

function isValue(parent?: SyntaxNode, field?: string): boolean {
  if (!parent || parent.type.startsWith('TS') || parent.type.startsWith('Import') || parent.type.startsWith('Export'))
    return false
  if (parent.type === 'MemberExpression') return field === 'object' || parent['computed'] === true
  if (field === 'key' || field === 'id' || field === 'params' || field === 'left') return false
  return true
}

function dottedName(node: unknown): string | undefined {
  const name = identifier(node)
  if (name !== undefined) return name
  if (!isNode(node) || node.type !== 'MemberExpression') return undefined
  const object = dottedName(node['object'])
  const property = node['computed'] === true ? literal(node['property']) : identifier(node['property'])
  return object !== undefined && property !== undefined ? `${object}.${property}` : undefined
}

function identifier(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Identifier' && typeof node['name'] === 'string' ? node['name'] : undefined
}

function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined
}

function isEmpty(list: unknown): boolean {
  return Array.isArray(list) && list.length === 0
}

export function noAny(file: ParsedFile): Finding[] {
  const found: Finding[] = []
  walk(file.program, (node) => {
    if (node.type === 'TSAnyKeyword') found.push(at(file, node.start, 'any switches the compiler off: use unknown and check'))
    if (isShipped(file) && isDoubleCast(node))
      found.push(at(file, node.start, 'a cast through unknown silences the compiler: check instead'))
  })
  return found
}

function isDoubleCast(node: SyntaxNode): boolean {
  const inner = node['expression']
  if (node.type !== 'TSAsExpression' || !isNode(inner) || inner.type !== 'TSAsExpression') return false
  return isNode(inner['typeAnnotation']) && inner['typeAnnotation'].type === 'TSUnknownKeyword'
}

export function noSilencedCompiler(file: ParsedFile): Finding[] {
  const forbidden = isTest(file) ? /@ts-(?:ignore|nocheck)/ : /@ts-(?:ignore|nocheck|expect-error)/
  return commentsThatMatch(file, forbidden, 'the compiler must not be silenced')
}

export function nothingLeftOver(file: ParsedFile): Finding[] {
  return commentsThatMatch(file, /\b(?:TODO|FIXME|XXX|HACK)\b/, 'do it now, or write down why not')
}

function commentsThatMatch(file: ParsedFile, pattern: RegExp, message: string): Finding[] {
  return file.comments.filter(({ value }) => pattern.test(value)).map(({ start }) => at(file, start, message))
}

export function everyTestRuns(file: ParsedFile): Finding[] {
  if (!isTest(file)) return []
  const found: Finding[] = []
  walk(file.program, (node, parent, field) => {
    const name =
      node.type === 'MemberExpression'
        ? dottedName(node)
        : field === 'callee' && parent?.type === 'CallExpression'
          ? identifier(node)
          : undefined
    if (
      name !== undefined &&
      /^(?:(?:it|test|describe|suite|bench)\b.*\.(?:only|skip|todo)|xit|xtest|xdescribe|fit|fdescribe)$/.test(name)
    ) {
      found.push(at(file, node.start, `${name} leaves tests out`))
    }
  })
  return found
}

export function shortFile(file: ParsedFile): Finding[] {
  const lines = file.text.trimEnd().split('\n').length
  return isShipped(file) && lines > 300 ? [{ path: file.path, line: 301, message: `${lines} lines: a file has at most 300` }] : []
}

function isShipped({ path }: ParsedFile): boolean {
  return path.startsWith('src/') || path.startsWith('machines/')
}

function isTest({ path }: ParsedFile): boolean {
  return path.startsWith('test/')
}

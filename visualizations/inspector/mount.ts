import { traceText } from '../../src/core/trace-text.ts'
import type { TraceLine } from '../../src/core/trace.ts'
import type { EngineStatus } from '../../src/devtools/wire.ts'
import { createChart, drawingStyle } from './chart.ts'
import { createControls } from './controls.ts'
import { el } from './dom.ts'
import { createGlance } from './glance.ts'
import { createHistory } from './history.ts'
import { copyOf, type Moment } from './moment.ts'
import { createMetrics, SECONDS } from './metrics.ts'
import { createPlayer } from './player.ts'
import { createConflicts, createQueue } from './queue.ts'
import { createRates } from './rates.ts'
import { ALL_TYPES, createMatches, filterOf, lineText } from './search.ts'
import { createSequence, type Message } from './sequence.ts'
import { STYLE } from './style.ts'
import { createTabs } from './tabs.ts'
import { createTimeline } from './timeline.ts'
import { readTrace } from './trace-file.ts'
import { createTree } from './tree.ts'

export interface Inspector {
  append(lines: readonly TraceLine[]): void
  /** Undefined: the engine has left. */
  setStatus(engine: string, status: EngineStatus | undefined): void
  /** Shows this trace instead of what was there. */
  open(text: string): void
  say(message: string): void
  close(): void
}

const LOOKED_BACK = 4_000

/** Draws the inspector into an element; everything that it shows is text. */
export function mount(root: HTMLElement): Inspector {
  let history = createHistory()
  let rates = createRates()
  const names = new Map<string, string>()
  const statuses = new Map<string, EngineStatus>()
  let matches = createMatches(history, names)
  let filter = filterOf('', ALL_TYPES)
  let chosen: string | undefined
  /** While nobody has chosen. */
  let followed: string | undefined
  let drawnAt = -1
  let isWaiting = false
  let isClosed = false

  const bar = el('div', { class: 'message-bar', role: 'status' })
  // What is taken of a history that is exchanged when a trace is opened.
  const current = {
    append: (line: TraceLine): void => history.append(line),
    first: (): number => history.first(),
    end: (): number => history.end(),
    line: (at: number) => history.line(at),
    moment: (at: number) => history.moment(at),
    atTime: (time: number) => history.atTime(time),
  }
  const player = createPlayer(current, soon)
  const controls = createControls(player, current, {
    open: (file) => void openFile(file),
    save,
    follow: () => choose(undefined),
    now: () => performance.now(),
  })
  const chart = createChart()
  const glance = createGlance()
  const tree = createTree((actor) => {
    choose(actor)
  })
  const timeline = createTimeline({
    filter(text, types) {
      filter = filterOf(text, types)
      matches.set(filter)
      soon()
    },
    go: player.go,
    text: (at) => textOf(at),
    time: (at) => clock(history.line(at)?.at ?? 0),
    typeOf: (at) => history.line(at)?.type ?? '',
  })
  const sequence = createSequence()
  const queue = createQueue(clock)
  const conflicts = createConflicts()
  const metrics = createMetrics()
  const views = [
    ['Timeline', timeline.element],
    ['Sequence', sequence.element],
    ['Queue', queue.element],
    ['Conflicts', conflicts.element],
    ['Metrics', metrics.element],
  ] as const
  const tabs = createTabs(views, soon)
  const element = el(
    'div',
    { class: 'inspector' },
    glance.element,
    controls.element,
    tree.element,
    chart.element,
    tabs.element,
    bar,
  )
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`${drawingStyle()}${STYLE}`)
  const holder = root.getRootNode()
  const target = holder instanceof ShadowRoot ? holder : document
  target.adoptedStyleSheets = [...target.adoptedStyleSheets, sheet]
  element.addEventListener('keydown', controls.key)
  element.addEventListener('dragover', (event) => event.preventDefault())
  element.addEventListener('drop', (event) => {
    event.preventDefault()
    const [file] = event.dataTransfer?.files ?? []
    if (file !== undefined) void openFile(file)
  })
  root.replaceChildren(element)
  tabs.choose('Timeline')

  function choose(actor: string | undefined): void {
    chosen = actor
    soon()
  }

  function soon(): void {
    if (isWaiting || isClosed) return
    isWaiting = true
    requestAnimationFrame(draw)
  }

  function draw(): void {
    isWaiting = false
    if (isClosed) return
    if (player.tick(performance.now())) soon()
    const at = player.position()
    const line = history.line(at)
    const moment = history.moment(at)
    const actor = moment.actors.get(chosenIn(moment, line) ?? '')
    glance.show(moment.actors, actor?.engine)
    tree.show(moment.actors, actor?.actor)
    chart.show(actor)
    controls.show(
      chosen === undefined,
      line === undefined
        ? 'nothing yet'
        : `${(at - history.first() + 1).toLocaleString('en')} of ${(history.end() - history.first()).toLocaleString('en')} · ${clock(line.at)}`,
    )
    element.dataset['at'] = String(at)
    drawView(at, line, moment)
    drawnAt = at
  }

  function drawView(at: number, line: TraceLine | undefined, moment: Moment): void {
    const now = player.isLive() ? statuses : undefined
    const tab = tabs.current()
    if (tab === 'Timeline') timeline.show(matches.list(), at, at !== drawnAt)
    else if (tab === 'Sequence') sequence.show(messagesBefore(at), (actor) => names.get(actor) ?? actor)
    else if (tab === 'Queue') queue.show(moment, now)
    else if (tab === 'Conflicts') conflicts.show(moment, now)
    else
      metrics.show(
        rates.until(line?.at ?? 0, SECONDS),
        [...(now?.values() ?? [])].flatMap(({ totals }) => totals),
      )
  }

  /** The one that was chosen; while nobody has chosen, who the line is about in the past, and now an operation in play, or the engine. */
  function chosenIn({ actors }: Moment, line: TraceLine | undefined): string | undefined {
    if (chosen !== undefined) return chosen
    if (!player.isLive() && line?.type === 'step') followed = line.actor
    if (!player.isLive() && followed !== undefined && actors.has(followed)) return followed
    const all = [...actors.values()]
    return (all.find(({ machine }) => machine === 'operation') ?? all.find(({ machine }) => machine !== undefined))?.actor
  }

  function messagesBefore(at: number): readonly Message[] {
    const found: Message[] = []
    for (let line = at; line >= Math.max(history.first(), at - LOOKED_BACK) && found.length < 40; line--) {
      const one = history.line(line)
      if (one?.type === 'event') found.push(one)
    }
    return found.toReversed()
  }

  function textOf(at: number): string {
    const line = history.line(at)
    return line === undefined ? '' : lineText(line, names)
  }

  function add(lines: readonly TraceLine[]): void {
    for (const line of lines) {
      if (line.type === 'actor') names.set(line.actor, line.engine === undefined ? line.name : `${line.engine} ${line.name}`)
      history.append(line)
      rates.add(line)
    }
  }

  function open(text: string): void {
    const { lines, header } = readTrace(text)
    history = createHistory({ limit: 2_000_000 })
    rates = createRates()
    names.clear()
    statuses.clear()
    matches = createMatches(history, names)
    matches.set(filter)
    chosen = undefined
    followed = undefined
    add(lines)
    player.go(history.first())
    bar.textContent = `A trace of synchart ${header.version}: ${lines.length.toLocaleString('en')} lines${header.dropped > 0 ? `, and ${header.dropped.toLocaleString('en')} before them that are not kept` : ''}.`
  }

  async function openFile(file: File): Promise<void> {
    try {
      open(await file.text())
    } catch (error) {
      bar.textContent = error instanceof Error ? error.message : String(error)
    }
  }

  function save(): void {
    const [first, end] = [history.first(), history.end()]
    const lines = Array.from({ length: end - first }, (_, index) => history.line(first + index)).filter(
      (line) => line !== undefined,
    )
    const { actors } = copyOf(history.moment(first - 1))
    const link = el('a', { download: 'trace.ndjson' })
    link.href = URL.createObjectURL(
      new Blob([traceText({ actors, at: lines[0]?.at ?? 0 }, lines, first)], { type: 'application/x-ndjson' }),
    )
    link.click()
    URL.revokeObjectURL(link.href)
  }

  return {
    append(lines) {
      add(lines)
      soon()
    },
    setStatus(engine, status) {
      if (status === undefined) statuses.delete(engine)
      else statuses.set(engine, status)
      soon()
    },
    open,
    say(message) {
      bar.textContent = message
    },
    close() {
      isClosed = true
      target.adoptedStyleSheets = target.adoptedStyleSheets.filter((other) => other !== sheet)
      element.remove()
    },
  }
}

/** Local time with milliseconds. */
function clock(time: number): string {
  const date = new Date(time)
  const part = (value: number, digits = 2): string => String(value).padStart(digits, '0')
  return `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}.${part(date.getMilliseconds(), 3)}`
}

import type { TraceLine } from '../../src/core/trace.ts'
import type { EngineStatus } from '../../src/devtools/wire.ts'
import { createBands } from './bands.ts'
import { createChart, drawingStyle } from './chart.ts'
import { createControls } from './controls.ts'
import { el, short } from './dom.ts'
import { createFrames } from './frames.ts'
import { createGlance } from './glance.ts'
import { createHistory } from './history.ts'
import type { Moment } from './moment.ts'
import { createMetrics, SECONDS, type Measured } from './metrics.ts'
import { createPlayer } from './player.ts'
import { createConflicts } from './conflicts.ts'
import { createQueue, type Statuses } from './queue.ts'
import { createRates } from './rates.ts'
import { saveTrace } from './save.ts'
import { ALL_TYPES, createMatches, filterOf, lineText } from './search.ts'
import { createSequence, type Message } from './sequence.ts'
import { STYLE } from './style.ts'
import { createTabs } from './tabs.ts'
import { createTimeline } from './timeline.ts'
import { readTraceStream } from './trace-file.ts'
import { createTree } from './tree.ts'

export interface Inspector {
  /** What engines tell; `dropped` lines are missing. While a trace is shown nothing of it is kept. */
  append(lines: readonly TraceLine[], dropped?: number): void
  /** Undefined: the engine has left. */
  setStatus(engine: string, status: EngineStatus | undefined): void
  /** Shows this trace instead of what was there; resolves when it was read, or could not be. */
  open(stream: ReadableStream<Uint8Array>): Promise<void>
  say(message: string): void
  close(): void
}

const LOOKED_BACK = 4_000
/** All of a long one. */
const OF_A_TRACE = { limit: 2_000_000, maxBytes: 256 * 1_048_576 }
const NO_STATUSES: Statuses = new Map()

/** Draws the inspector into an element; everything that it shows is text. */
export function mount(root: HTMLElement): Inspector {
  let history = createHistory()
  let rates = createRates()
  let bands = createBands()
  const statuses = new Map<string, EngineStatus & { readonly at: number }>()
  let matches = createMatches(history)
  let filter = filterOf('', ALL_TYPES)
  let chosen: string | undefined
  /** While nobody has chosen. */
  let followed: string | undefined
  let drawnAt = -1
  let leftOut = 0
  /** How many traces were opened: the last one counts. */
  let opened = 0
  /** A trace was opened: what engines tell is not part of it. */
  let isTrace = false
  let isClosed = false

  const frames = createFrames(draw)
  const bar = el('div', { class: 'message-bar', role: 'status' })
  // What is taken of a history that is exchanged when a trace is opened.
  const current = {
    append: (line: TraceLine): void => history.append(line),
    first: (): number => history.first(),
    end: (): number => history.end(),
    line: (at: number) => history.line(at),
    moment: (at: number) => history.moment(at),
    atTime: (time: number) => history.atTime(time),
    time: (at: number) => history.time(at),
    size: () => history.size(),
    nameOf: (actor: string) => history.nameOf(actor),
  }
  const player = createPlayer(current, frames.soon)
  const controls = createControls(player, current, {
    open: (file) => void open(file.stream()),
    save: () => saveTrace(history),
    follow: () => choose(undefined),
    now: () => performance.now(),
  })
  const chart = createChart()
  const glance = createGlance()
  const tree = createTree(choose)
  const timeline = createTimeline({
    filter(text, types) {
      filter = filterOf(text, types)
      matches.set(filter)
      frames.soon()
    },
    go: player.go,
    text: textOf,
    time: (at) => clock(history.line(at)?.at ?? 0),
    typeOf: (at) => history.line(at)?.type ?? '',
  })
  const sequence = createSequence(player.go)
  const queue = createQueue(clock)
  const conflicts = createConflicts()
  const metrics = createMetrics(clock)
  const views = [
    ['Timeline', timeline.element],
    ['Sequence', sequence.element],
    ['Queue', queue.element],
    ['Conflicts', conflicts.element],
    ['Metrics', metrics.element],
  ] as const
  const tabs = createTabs(views, frames.soon)
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
    if (file !== undefined) void open(file.stream())
  })
  root.replaceChildren(element)
  tabs.choose('Timeline')

  function choose(actor: string | undefined): void {
    chosen = actor
    frames.soon()
  }

  function draw(now: number): void {
    if (player.tick(now)) frames.soon()
    const at = player.position()
    const line = history.line(at)
    const moment = history.moment(at)
    const actor = moment.actors.get(chosenIn(moment, line) ?? '')
    glance.show(moment, actor?.engine)
    tree.show(moment.actors, actor?.actor)
    chart.show(actor, actor === undefined ? '' : history.nameOf(actor.actor))
    controls.show(
      chosen === undefined,
      line === undefined
        ? 'nothing yet'
        : `${numbered(at - history.first() + 1)} of ${numbered(history.end() - history.first())} · ${clock(line.at)}`,
    )
    element.dataset['at'] = String(at)
    drawView(at, moment)
    drawnAt = at
  }

  function drawView(at: number, moment: Moment): void {
    const now = player.isLive() ? statuses : NO_STATUSES
    const tab = tabs.current()
    if (tab === 'Timeline') {
      timeline.show(matches.list(), at, at !== drawnAt)
      if (!matches.isComplete()) frames.soon()
    } else if (tab === 'Sequence') sequence.show(messagesBefore(at, sequence.room()), history.nameOf)
    else if (tab === 'Queue') queue.show(moment, now)
    else if (tab === 'Conflicts') conflicts.show(moment, now)
    else metrics.show(measuredAt(history.time(at), moment, now))
  }

  function measuredAt(time: number, { actors, alerts }: Moment, now: Statuses): Measured {
    const there = new Set([...actors.values()].map(({ engine }) => engine))
    return {
      seconds: rates.until(time, SECONDS),
      bands: bands.between(time - SECONDS * 1_000, time).filter(({ engine }) => there.has(engine)),
      alerts: [...alerts.values()].filter(({ engine }) => there.has(engine)),
      statuses: now,
    }
  }

  /** The one that was chosen; while nobody has chosen, who the line is about in the past, and now the operation that moved last, or the engine. */
  function chosenIn({ actors }: Moment, line: TraceLine | undefined): string | undefined {
    if (chosen !== undefined) return chosen
    if (!player.isLive() && line?.type === 'step') followed = line.actor
    if (!player.isLive() && followed !== undefined && actors.has(followed)) return followed
    const all = [...actors.values()].filter(({ machine }) => machine !== undefined)
    const [first, ...others] = all.filter(({ machine }) => machine === 'operation')
    const last = first && others.reduce((one, other) => (other.since > one.since ? other : one), first)
    return (last ?? all[0])?.actor
  }

  function messagesBefore(at: number, most: number): readonly Message[] {
    const found: Message[] = []
    for (let line = at; line >= Math.max(history.first(), at - LOOKED_BACK) && found.length < most; line--) {
      const event = history.line(line)
      if (event?.type === 'event') found.push({ at: line, event })
    }
    return found.toReversed()
  }

  function textOf(at: number): string {
    const line = history.line(at)
    return line === undefined ? '' : short(lineText(line, history.nameOf), 2_000)
  }

  function add(lines: readonly TraceLine[]): void {
    for (const line of lines) {
      history.append(line)
      rates.add(line)
      bands.add(line)
    }
  }

  function beginTrace(): void {
    isTrace = true
    history = createHistory(OF_A_TRACE)
    rates = createRates()
    bands = createBands()
    statuses.clear()
    matches = createMatches(history)
    matches.set(filter)
    choose(undefined)
    followed = undefined
    player.go(history.first())
  }

  async function open(stream: ReadableStream<Uint8Array>): Promise<void> {
    const own = ++opened
    let about = ''
    try {
      await readTraceStream(stream, {
        isOver: () => isClosed || own !== opened,
        begin({ version, dropped }) {
          about = `A trace of synchart ${version}${dropped > 0 ? `, without ${numbered(dropped)} lines before it` : ''}: `
          beginTrace()
        },
        lines(lines) {
          add(lines)
          if (isTrace) bar.textContent = `${about}${numbered(history.end())} lines so far.`
          frames.sampled()
        },
      })
      if (own === opened) bar.textContent = `${about}${numbered(history.end())} lines${forgotten()}.`
    } catch (error) {
      bar.textContent = `${error instanceof Error ? error.message : String(error)}${about === '' ? '' : ' What stands before it is here.'}`
    }
  }

  function forgotten(): string {
    return history.first() === 0 ? '' : `, of which the first ${numbered(history.first())} are not kept`
  }

  return {
    append(lines, dropped = 0) {
      if (isTrace) return
      add(lines)
      leftOut += dropped
      element.dataset['leftOut'] = String(leftOut)
      frames.sampled()
    },
    setStatus(engine, status) {
      if (isTrace) return
      statuses.delete(engine)
      if (status !== undefined) {
        statuses.set(engine, { ...status, at: Date.now() })
        rates.sample(history.time(history.end() - 1), status)
      }
      frames.sampled()
    },
    open,
    say(message) {
      if (!isTrace) bar.textContent = message
    },
    close() {
      isClosed = true
      frames.close()
      chart.close()
      target.adoptedStyleSheets = target.adoptedStyleSheets.filter((other) => other !== sheet)
      element.remove()
    },
  }
}

const numbered = (count: number): string => count.toLocaleString('en')

/** Local time with milliseconds. */
function clock(time: number): string {
  const date = new Date(time)
  const part = (value: number, digits = 2): string => String(value).padStart(digits, '0')
  return `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}.${part(date.getMilliseconds(), 3)}`
}

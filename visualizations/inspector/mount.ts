import type { TraceLine } from '../../src/core/trace.ts'
import type { EngineStatus } from '../../src/devtools/wire.ts'
import { createChart, drawingStyle } from './chart.ts'
import { createControls } from './controls.ts'
import { el, say } from './dom.ts'
import { followed } from './follow.ts'
import { createFrames } from './frames.ts'
import { createGlance } from './glance.ts'
import { keysHint } from './keys.ts'
import { plain } from './names.ts'
import { passedBy } from './passed.ts'
import { createPlayer } from './player.ts'
import type { Statuses } from './queue.ts'
import { createRecording } from './recording.ts'
import { saveTrace } from './save.ts'
import { STYLE } from './style.ts'
import { clock, duration, numbered } from './texts.ts'
import { readTraceStream } from './trace-file.ts'
import { createTree } from './tree.ts'
import { createViews } from './views.ts'

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

/** All of a long one. */
const OF_A_TRACE = { limit: 2_000_000, maxBytes: 256 * 1_048_576 }
const NO_STATUSES: Statuses = new Map()

/** Draws the inspector into an element; everything that it shows is text. Its keys are those that `keys` hears: by default the inspector, while it holds the focus. */
export function mount(root: HTMLElement, keys?: HTMLElement): Inspector {
  let recording = createRecording()
  const statuses = new Map<string, EngineStatus & { readonly at: number }>()
  let chosen: string | undefined
  let drawn = { at: -1, isLive: true }
  let leftOut = 0
  /** How many traces were opened: the last one counts. */
  let opened = 0
  /** A trace was opened: what engines tell is not part of it. */
  let isTrace = false
  let isClosed = false

  const frames = createFrames(draw)
  const said = el('p', { class: 'message-bar', role: 'status' })
  // What is taken of a history that is exchanged when a trace is opened.
  const current = {
    first: (): number => recording.history.first(),
    end: (): number => recording.history.end(),
    line: (at: number) => recording.history.line(at),
    atTime: (time: number) => recording.history.atTime(time),
    time: (at: number) => recording.history.time(at),
  }
  const player = createPlayer(current, frames.soon)
  const controls = createControls(player, current, {
    open: (file) => void open(file.stream()),
    save: () => saveTrace(recording.history),
    follow: () => choose(undefined),
    now: () => performance.now(),
  })
  const chart = createChart()
  const glance = createGlance()
  const tree = createTree(choose)
  const views = createViews({ recording: () => recording, go: player.go, changed: frames.soon })
  // To be focused: a click anywhere in it, and its keys are heard.
  const element = el(
    'div',
    { class: 'inspector', tabindex: -1 },
    glance.element,
    controls.element,
    tree.element,
    chart.element,
    views.element,
    el('footer', {}, said, keysHint()),
  )
  const frame = el('div', { class: 'inspector-frame' }, element)
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(`${drawingStyle()}${STYLE}`)
  const holder = root.getRootNode()
  const target = holder instanceof ShadowRoot ? holder : document
  target.adoptedStyleSheets = [...target.adoptedStyleSheets, sheet]
  const heard = keys ?? element
  heard.addEventListener('keydown', controls.key)
  element.addEventListener('dragover', (event) => event.preventDefault())
  element.addEventListener('drop', (event) => {
    event.preventDefault()
    const [file] = event.dataTransfer?.files ?? []
    if (file !== undefined) void open(file.stream())
  })
  root.replaceChildren(frame)
  views.choose('Timeline')

  function choose(actor: string | undefined): void {
    chosen = actor
    frames.soon()
  }

  function draw(now: number): void {
    const isPlayed = player.tick(now)
    if (isPlayed) frames.soon()
    const { history } = recording
    const at = player.position()
    const isLive = player.isLive()
    const moment = history.moment(at)
    const actor = moment.actors.get(chosen ?? followed(moment, isLive) ?? '')
    glance.show(moment, actor?.engine)
    tree.show(moment.actors, actor?.actor)
    const isOnTheWay = isPlayed || (isLive && drawn.isLive)
    const passed = actor === undefined || !isOnTheWay ? [] : passedBy(actor.actor, history, drawn.at, at)
    chart.show(actor, actor === undefined ? '' : plain(history.nameOf(actor.actor)), passed)
    controls.show(chosen === undefined, whereText(at))
    element.dataset['at'] = String(at)
    views.show(at, moment, isLive ? statuses : NO_STATUSES, at !== drawn.at)
    drawn = { at, isLive }
  }

  function whereText(at: number): string {
    const { history } = recording
    const line = history.line(at)
    if (line === undefined) return 'nothing yet'
    const gap = player.gap()
    const place = `${numbered(at - history.first() + 1)} of ${numbered(history.end() - history.first())} · ${clock(line.at)}`
    return gap === undefined ? place : `${place} · skips ${duration(gap)} without a line`
  }

  function beginTrace(): void {
    isTrace = true
    recording = createRecording(OF_A_TRACE)
    statuses.clear()
    views.begin()
    choose(undefined)
    drawn = { at: -1, isLive: true }
    player.go(current.first())
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
          recording.add(lines)
          if (isTrace) say(said, `${about}${numbered(current.end())} lines so far.`)
          frames.sampled()
        },
      })
      if (own === opened) say(said, `${about}${numbered(current.end())} lines${forgotten()}.`)
    } catch (error) {
      say(
        said,
        `${error instanceof Error ? error.message : String(error)}${about === '' ? '' : ' What stands before it is here.'}`,
      )
    }
  }

  function forgotten(): string {
    return current.first() === 0 ? '' : `, of which the first ${numbered(current.first())} are not kept`
  }

  return {
    append(lines, dropped = 0) {
      if (isTrace) return
      recording.add(lines)
      leftOut += dropped
      element.dataset['leftOut'] = String(leftOut)
      frames.sampled()
    },
    setStatus(engine, status) {
      if (isTrace) return
      statuses.delete(engine)
      if (status !== undefined) {
        statuses.set(engine, { ...status, at: Date.now() })
        recording.rates.sample(current.time(current.end() - 1), status)
      }
      frames.sampled()
    },
    open,
    say(text) {
      if (!isTrace) say(said, text)
    },
    close() {
      isClosed = true
      frames.close()
      chart.close()
      heard.removeEventListener('keydown', controls.key)
      target.adoptedStyleSheets = target.adoptedStyleSheets.filter((other) => other !== sheet)
      frame.remove()
    },
  }
}

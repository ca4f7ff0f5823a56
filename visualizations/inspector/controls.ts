import { button, el } from './dom.ts'
import { isOwnKey } from './keys.ts'
import type { createPlayer } from './player.ts'

type Player = ReturnType<typeof createPlayer>

export interface ControlHooks {
  open(file: File): void
  save(): void
  /** Draws who is at work, until an actor is chosen. */
  follow(): void
  now(): number
}

/** Steps, plays, opens and saves; by buttons and by keys. */
export function createControls(player: Player, range: { first(): number; end(): number }, hooks: ControlHooks) {
  const file = el('input', { type: 'file', accept: '.ndjson,.jsonl,.txt', 'aria-label': 'Open a trace' })
  const slider = el('input', { type: 'range', min: 0, max: 0, step: 1, 'aria-label': 'Line of the trace' })
  const speed = el('input', {
    type: 'number',
    min: 0.01,
    max: 1_000_000,
    step: 'any',
    value: 1,
    'aria-label': 'Speed',
    title: 'How many times as fast as it was',
  })
  const where = el('output', { class: 'where' })
  const play = button('Play or pause (space)', '▶', () => player.toggle(hooks.now()))
  const follow = button('Draw who is at work (F)', 'Follow', hooks.follow)
  const live = button('Newest, and stay there (L)', 'Live', player.live)
  const element = el(
    'div',
    { class: 'controls', role: 'group', 'aria-label': 'Time travel' },
    play,
    button('First line (Home)', '|◀', () => player.go(range.first())),
    button('Back to the last transition (shift and ←)', '◀◀', () => player.toStep(-1)),
    button('One line back (←)', '◁', () => player.step(-1)),
    button('One line on (→)', '▷', () => player.step(1)),
    button('On to the next transition (shift and →)', '▶▶', () => player.toStep(1)),
    live,
    follow,
    el('label', {}, 'speed ', speed),
    slider,
    where,
    el('label', { class: 'file' }, 'Open…', file),
    button('Save what is here as a trace', 'Save', hooks.save),
  )

  slider.addEventListener('input', () => player.go(Number(slider.value)))
  speed.addEventListener('change', () => {
    if (Number(speed.value) > 0) player.setSpeed(Number(speed.value), hooks.now())
  })
  file.addEventListener('change', () => {
    const [chosen] = file.files ?? []
    if (chosen !== undefined) hooks.open(chosen)
  })

  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => player.step(-1),
    ArrowRight: () => player.step(1),
    ArrowUp: () => player.step(-1),
    ArrowDown: () => player.step(1),
    'shift ArrowLeft': () => player.toStep(-1),
    'shift ArrowRight': () => player.toStep(1),
    Home: () => player.go(range.first()),
    End: () => player.go(range.end() - 1),
    ' ': () => player.toggle(hooks.now()),
    f: hooks.follow,
    F: hooks.follow,
    l: player.live,
    L: player.live,
  }

  return {
    element,
    /** For keys that nobody else wants: neither a browser's own nor those of the control that has the focus. */
    key(event: KeyboardEvent): void {
      const { target, key, shiftKey } = event
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isOwnKey(target, event)) return
      const act = keys[shiftKey && key.startsWith('Arrow') ? `shift ${key}` : key]
      if (act === undefined) return
      event.preventDefault()
      act()
    },
    show(isFollowing: boolean, text: string): void {
      follow.setAttribute('aria-pressed', String(isFollowing))
      slider.min = String(range.first())
      slider.max = String(Math.max(range.first(), range.end() - 1))
      slider.value = String(player.position())
      where.textContent = text
      play.textContent = player.isPlaying() ? '❚❚' : '▶'
      live.setAttribute('aria-pressed', String(player.isLive()))
    },
  }
}

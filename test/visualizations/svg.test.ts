import { describe, expect, it } from 'vitest'
import { generateDiagrams } from '../../visualizations/generate/index.ts'
import { playerMachine } from './player-machine.ts'
import { nodesOf, subjects, transitionsOf } from './subjects.ts'

const diagrams = await generateDiagrams(subjects.map(([, machine]) => machine))
const svgs = new Map(subjects.map(([id]) => [id, diagrams.get(`${id}.svg`) ?? '']))

function idsIn(svg: string): readonly string[] {
  return [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id ?? '')
}

/** The text of what has this id, with spaces between its parts. */
function textOf(svg: string, id: string): string {
  const start = svg.indexOf(`id="${id}"`)
  const end = svg.indexOf('</g>', start)
  return svg
    .slice(svg.indexOf('>', start) + 1, end)
    .replaceAll('</text>', ' ')
    .replaceAll(/<[^>]*>/g, '')
    .trim()
}

describe('the picture of a machine', () => {
  it.each(subjects)('F7 %s: has exactly one id for every state', (id, machine) => {
    const expected = nodesOf(machine.root).map((node) => `state:${[machine.id, ...node.path].join('.')}`)
    const drawn = idsIn(svgs.get(id)!).filter((name) => name.startsWith('state:'))
    expect(drawn.toSorted()).toEqual(expected.toSorted())
  })

  it.each(subjects)('F7 %s: has exactly one id for every transition', (id, machine) => {
    const expected = nodesOf(machine.root).flatMap((node) =>
      transitionsOf(node).map(({ event, index }) => `transition:${[machine.id, ...node.path].join('.')}:${event}:${index}`),
    )
    const drawn = idsIn(svgs.get(id)!).filter((name) => name.startsWith('transition:'))
    expect(drawn.toSorted()).toEqual(expected.toSorted())
    expect(expected.length).toBeGreaterThan(5)
  })

  it.each(subjects)('F7 %s: has no id twice, and an initial dot for every compound state', (id, machine) => {
    const ids = idsIn(svgs.get(id)!)
    expect(new Set(ids).size).toBe(ids.length)
    const compound = nodesOf(machine.root).filter(({ type }) => type === 'compound')
    expect(ids.filter((name) => name.startsWith('initial:'))).toHaveLength(compound.length)
  })

  it.each(subjects)('F7 %s: is well-formed, and neither runs nor loads anything', (id) => {
    const svg = svgs.get(id)!
    const open: string[] = []
    for (const [, close, name, selfClosed] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
      if (close) expect(open.pop()).toBe(name)
      else if (!selfClosed) open.push(name!)
    }
    expect(open).toEqual([])
    expect(svg).not.toMatch(/<script|<foreignObject|\bon\w+=|href|url\(|@import|&(?!amp;|lt;|gt;|quot;|#39;)/)
  })

  it.each(subjects)('F7 %s: fits a page, and into 40 kB', (id) => {
    const svg = svgs.get(id)!
    expect(Number(/ width="(\d+)"/.exec(svg)?.[1])).toBeLessThanOrEqual(1040)
    expect(svg.length).toBeLessThan(40_000)
  })

  it('F7 is the same, byte for byte, each time', async () => {
    expect(await generateDiagrams(subjects.map(([, machine]) => machine))).toEqual(diagrams)
  })

  it('F7 knows light and dark, and classes for what is active and what was taken', () => {
    const svg = svgs.get('engine')!
    expect(svg).toContain('prefers-color-scheme:dark')
    expect(svg).toMatch(/\.active>rect\{[^}]*var\(--lit\)/)
    expect(svg).toMatch(/\.edge:has\(\.taken\)>\.line\{[^}]*var\(--lit\)/)
  })
})

describe('what a picture says', () => {
  const svg = svgs.get(playerMachine.id)!

  it.each([
    ['player:*:0', '* / hide'],
    ['player.loading:WAIT:0', 'WAIT ignored'],
    ['player.loading:PLAY:0', 'PLAY stays'],
    ['player.loading:LOAD:0', 'LOAD re-enters'],
    ['player.loading:NEXT:0', 'NEXT [in on.track.first]'],
    ['player.loading:BOTH:0', 'BOTH / show'],
    ['player.loading:xstate.after.1500.player.loading:0', 'after 1500 ms'],
    [
      'player.loading:xstate.after.idle.player.loading:0',
      'after idle (5000 ms) [isOpen(door: &lt;&quot;left&quot; &amp; &#39;right&#39;&gt;)]',
    ],
    ['player.loading:xstate.done.actor.other:0', 'other done [and(isReady, not(isOpen(door: back)))]'],
    ['player.loading:xstate.done.actor.2.player.loading:0', 'look done'],
    ['player.loading:xstate.error.actor.0.player.loading:0', 'inline failed / hide'],
    ['player.on:xstate.done.state.player.on:0', 'on done'],
    ['player.on.track.second::0', 'always [isReady]'],
    ['player.on.sound.loud:MUTE:1', 'MUTE [else] / tick'],
    ['player.on.sound.muted:xstate.after.fade.player.on.sound.muted:0', 'after fade'],
  ])('F7 tells of %s as "%s"', (id, text) => {
    expect(textOf(svg, `transition:${id}`)).toBe(text)
  })

  it('F7 tells what a state does on entry and exit, and whom it invokes', () => {
    expect(textOf(svg, 'state:player.loading')).toContain('entry / tick(by: 2), assign, raise NEXT, cancel later')
    expect(textOf(svg, 'state:player.loading')).toContain('invoke / inline, load as other, look')
    expect(textOf(svg, 'state:player.on')).toBe('on entry / show exit / hide, leave')
    expect(textOf(svg, 'state:player.on.track.last')).toBe('H* last')
  })

  it('F7 shows regions, final states and every target of a transition', () => {
    expect(svg).toContain('id="state:player.on.track" class="state compound region"')
    expect(svg).toContain('id="state:player.over" class="state final"')
    const edge = svg.split('\n').find((line) => line.includes('transition:player.loading:BOTH:0'))
    expect(edge?.match(/class="line"/g)).toHaveLength(2)
  })
})

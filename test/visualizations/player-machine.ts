import { and, assign, cancel, fromPromise, not, raise, setup, stateIn } from 'xstate'

const noop = (): void => {}

/** Has everything that a statechart can have and a diagram must show. No other machine needs it all. */
export const playerMachine = setup({
  types: {
    children: {} as { other: 'load' },
    events: {} as { type: 'PLAY' | 'STOP' | 'NEXT' | 'MUTE' | 'LOAD' | 'RESTORE' | 'BOTH' | 'WAIT' | 'device.lost' },
  },
  actors: { load: fromPromise(async () => 1), look: fromPromise(async () => 2) },
  actions: { show: noop, hide: noop, tick: (_, _params: { by: number }) => {} },
  guards: { isReady: () => true, isOpen: (_, _params: { door: string }) => true },
  delays: { idle: 5000, fade: () => 10 },
}).createMachine({
  id: 'player',
  initial: 'loading',
  on: {
    '*': { actions: 'hide' },
    STOP: '.over',
    'device.*': { target: '.loading', guard: 'isReady' },
  },
  states: {
    loading: {
      entry: [{ type: 'tick', params: { by: 2 } }, assign({}), raise({ type: 'NEXT' }), cancel('later')],
      invoke: [
        { src: fromPromise(async () => 3), onDone: 'on', onError: { actions: 'hide' } },
        {
          src: 'load',
          id: 'other',
          onDone: { guard: and(['isReady', not({ type: 'isOpen', params: { door: 'back' } })]), target: 'over' },
        },
        { src: 'look', onDone: 'over' },
      ],
      on: {
        LOAD: { target: 'loading', reenter: true },
        PLAY: { target: 'loading' },
        WAIT: {},
        NEXT: { guard: stateIn({ on: { track: 'first' } }), target: 'on' },
        BOTH: { target: ['on.track.second', 'on.sound.muted'], actions: 'show' },
      },
      after: { 1500: 'over', idle: { guard: { type: 'isOpen', params: { door: '<"left" & \'right\'>' } }, target: 'over' } },
    },
    on: {
      type: 'parallel',
      entry: 'show',
      exit: [
        'hide',
        function leave() {
          noop()
        },
      ],
      onDone: 'over',
      states: {
        track: {
          initial: 'first',
          states: {
            first: { on: { NEXT: 'second' } },
            second: { on: { NEXT: 'ended' }, always: { guard: 'isReady', target: 'ended' } },
            ended: { type: 'final' },
            last: { type: 'history', history: 'deep' },
          },
        },
        sound: {
          initial: 'loud',
          states: {
            loud: {
              on: { MUTE: [{ guard: 'isReady', target: 'muted' }, { actions: { type: 'tick', params: () => ({ by: 3 }) } }] },
            },
            muted: { on: { MUTE: 'loud' }, after: { fade: 'quiet' } },
            quiet: { type: 'final' },
          },
        },
      },
    },
    over: { type: 'final', entry: 'show' },
    paused: { on: { RESTORE: '#player.on.track.last' } },
  },
})

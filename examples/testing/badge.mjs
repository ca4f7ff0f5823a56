import { createMachine } from 'xstate'

/** What is shown beside a note: nothing, or how its saving goes. */
export const badgeMachine = createMachine({
  id: 'badge',
  initial: 'hidden',
  states: {
    hidden: { on: { SAVE: 'saving' } },
    saving: { on: { SAVED: 'saved', REFUSED: 'refused', OFFLINE: 'waiting' } },
    waiting: { on: { ONLINE: 'saving', SAVED: 'saved', REFUSED: 'refused' } },
    saved: { on: { SAVE: 'saving' }, after: { 3_000: 'hidden' } },
    refused: { on: { SAVE: 'saving', DISMISS: 'hidden' } },
  },
})

const TEXTS = {
  hidden: '',
  saving: 'Saving …',
  waiting: 'Kept on this device until there is a network',
  saved: 'Saved',
  refused: 'Could not be saved',
}

export function badgeText(snapshot) {
  return TEXTS[snapshot.value]
}

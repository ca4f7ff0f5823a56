/** The longest delay of a platform's timer: 31 bits. One that is set for longer goes off at once. */
export const LONGEST_TIMER_MS = 2_147_483_647

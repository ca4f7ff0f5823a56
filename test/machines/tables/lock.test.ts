import { lockMachine } from '../../../machines/lock.ts'
import { claims, leases, lockInput, lockModel, sighting } from '../models/lock.ts'
import { checkTable } from './check-table.ts'
import { cases, stays, tableOf } from './table.ts'

const { heartbeatMs, pollMs, staleMs } = lockInput

const failed = 'send LOCK.FAILED to parent'
const lost = 'send LOCK.LOST to parent'
const released = 'send LOCK.RELEASED to parent'

const looks = { to: 'looking', does: ['start look'] } as const
const tries = { to: 'claiming', does: ['stop look', 'start claim'] } as const
const follows = { to: 'following', does: ['stop look', `wait ${pollMs} ms`, 'start awaitGone'] } as const
const releases = { to: 'releasing', does: ['start release'] } as const

checkTable(
  lockMachine,
  lockModel,
  tableOf<typeof lockMachine>()({
    events: {
      POKE: { type: 'POKE' },
      FENCED: { type: 'FENCED' },
      RELEASE: { type: 'RELEASE' },
    },
    own: {
      looking: ['done look', 'error look'],
      following: ['done awaitGone', 'error awaitGone', 'after poll'],
      claiming: ['done claim', 'error claim'],
      retrying: ['after poll'],
      'holding.resting': ['after heartbeat'],
      'holding.beating': ['done beat', 'error beat'],
      'holding.unsure': ['after beatRetry'],
      releasing: ['done release', 'error release'],
      released: 'final',
    },
    ownEvents: {
      'done look': cases({
        'that finds no lease': sighting(undefined, 0),
        'that finds one released': sighting(leases.released, 0),
        'that finds our own': sighting(leases.mine, 0),
        "that finds another's for the first time": sighting(leases.others, 0),
        "that finds another's without a beat for too short a time": {
          given: { lease: leases.others, lookedAt: 1_000, unchangedMs: staleMs - pollMs - 1 },
          comes: sighting(leases.others, 1_000),
        },
        "that finds another's without a beat for staleMs": {
          given: { lease: leases.others, lookedAt: 1_000, unchangedMs: staleMs - pollMs },
          comes: sighting(leases.others, 1_000),
        },
        'after a long gap in its own looking': {
          given: { lease: leases.others, lookedAt: 1_000 },
          comes: sighting(leases.others, 1_000, staleMs),
        },
      }),
      'done claim': cases(claims),
      'done beat': cases(claims),
    },
    table: {
      looking: {
        POKE: stays,
        FENCED: stays,
        RELEASE: { to: 'releasing', does: ['stop look', 'start release'] },
        'done look': {
          'that finds no lease': { ...tries, sets: { lookedAt: pollMs } },
          'that finds one released': { ...tries, sets: { lease: leases.released, lookedAt: pollMs } },
          'that finds our own': { ...tries, sets: { lease: leases.mine, lookedAt: pollMs } },
          "that finds another's for the first time": {
            ...follows,
            sets: { lease: leases.others, lookedAt: pollMs, unchangedMs: 0 },
          },
          "that finds another's without a beat for too short a time": {
            ...follows,
            sets: { lookedAt: 1_000 + pollMs, unchangedMs: staleMs - 1 },
          },
          "that finds another's without a beat for staleMs": {
            ...tries,
            sets: { lookedAt: 1_000 + pollMs, unchangedMs: staleMs },
          },
          'after a long gap in its own looking': {
            ...follows,
            sets: { lookedAt: 1_000 + staleMs, unchangedMs: 2 * pollMs },
          },
        },
        'error look': { to: 'retrying', does: ['stop look', failed, `wait ${pollMs} ms`] },
      },
      following: {
        POKE: { to: 'looking', does: ['stop awaitGone', 'start look'] },
        FENCED: stays,
        RELEASE: { to: 'releasing', does: ['stop awaitGone', 'start release'] },
        'done awaitGone': { to: 'claiming', does: ['stop awaitGone', 'start claim'] },
        'error awaitGone': { to: 'following', does: [failed] },
        'after poll': { to: 'looking', does: ['stop awaitGone', 'start look'] },
      },
      claiming: {
        POKE: stays,
        FENCED: stays,
        RELEASE: { to: 'releasing', does: ['stop claim', 'start release'] },
        'done claim': {
          held: {
            to: 'holding.resting',
            does: ['stop claim', 'send LOCK.ACQUIRED to parent', `wait ${heartbeatMs} ms`],
            sets: { lease: leases.mine, unchangedMs: 0 },
          },
          lost: { to: 'looking', does: ['stop claim', 'start look'] },
        },
        'error claim': { to: 'retrying', does: ['stop claim', failed, `wait ${pollMs} ms`] },
      },
      retrying: {
        POKE: stays,
        FENCED: stays,
        RELEASE: releases,
        'after poll': looks,
      },
      'holding.resting': {
        POKE: stays,
        FENCED: { to: 'looking', does: [lost, 'start look'] },
        RELEASE: { to: 'releasing', does: [lost, 'start release'] },
        'after heartbeat': { to: 'holding.beating', does: ['start beat'] },
      },
      'holding.beating': {
        POKE: stays,
        FENCED: { to: 'looking', does: ['stop beat', lost, 'start look'] },
        RELEASE: { to: 'releasing', does: ['stop beat', lost, 'start release'] },
        'done beat': {
          held: { to: 'holding.resting', does: ['stop beat', `wait ${heartbeatMs} ms`], sets: { lease: leases.mine } },
          lost: { to: 'looking', does: ['stop beat', lost, 'start look'] },
        },
        'error beat': { to: 'holding.unsure', does: ['stop beat', failed, `wait ${heartbeatMs / 4} ms`] },
      },
      'holding.unsure': {
        POKE: stays,
        FENCED: { to: 'looking', does: [lost, 'start look'] },
        RELEASE: { to: 'releasing', does: [lost, 'start release'] },
        'after beatRetry': { to: 'holding.beating', does: ['start beat'] },
      },
      releasing: {
        POKE: stays,
        FENCED: stays,
        RELEASE: stays,
        'done release': { to: 'released', does: ['stop release', released] },
        'error release': { to: 'released', does: ['stop release', failed, released] },
      },
    },
  }),
)

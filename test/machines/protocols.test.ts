import { describe, expect, it } from 'vitest'
import { deadEnds, protocolBreaks, type Edge, type Vertex, type Walk } from '../../src/testing/model/index.ts'
import { breakerModel } from './models/breaker.ts'
import { channelModel } from './models/channel.ts'
import { connectivityModel } from './models/connectivity.ts'
import { engineModel } from './models/engine.ts'
import { lockModel } from './models/lock.ts'
import { operationModel } from './models/operation.ts'
import { pullModel } from './models/pull.ts'

function breaks(walks: readonly Walk[], protocol: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return walks.flatMap((walk) => protocolBreaks(walk, protocol))
}

describe('on every path', () => {
  it('S10 the lock reports a loss after each acquisition, and nothing after the release', () => {
    const report = (type: string) => `send LOCK.${type} to parent`
    const protocol = {
      '': [report('ACQUIRED'), report('RELEASED')],
      [report('ACQUIRED')]: [report('LOST')],
      [report('LOST')]: [report('ACQUIRED'), report('RELEASED')],
      [report('RELEASED')]: [],
    }
    expect(breaks(lockModel.walks, protocol)).toEqual([])
  })

  it('S23 the breaker opens, half-opens and closes in that order', () => {
    const protocol = {
      '': ['emit breaker:opened'],
      'emit breaker:opened': ['emit breaker:halfOpened', 'emit breaker:closed'],
      'emit breaker:halfOpened': ['emit breaker:opened', 'emit breaker:closed'],
      'emit breaker:closed': ['emit breaker:opened'],
    }
    expect(breaks(breakerModel.walks, protocol)).toEqual([])
  })

  it('D1 the network is reported once each time that it comes or goes', () => {
    const [online, offline] = ['send NETWORK.ONLINE to parent', 'send NETWORK.OFFLINE to parent'] as const
    const protocol = { '': [online, offline], [online]: [offline], [offline]: [online] }
    expect(breaks(connectivityModel.walks, protocol)).toEqual([])
  })

  it('L6 the line is reported lost each time that it was reported connected, and a beat goes out before any news of its health', () => {
    const [connected, disconnected] = ['send CHANNEL.CONNECTED to parent', 'send CHANNEL.DISCONNECTED to parent'] as const
    const [beat, health] = ['send BEAT to connection', 'send CHANNEL.HEALTH to parent'] as const
    const protocol = {
      '': [connected],
      [connected]: [beat],
      [beat]: [health, disconnected],
      [health]: [beat, disconnected, connected],
      [disconnected]: [connected, health],
    }
    expect(breaks(channelModel.walks, protocol)).toEqual([])
  })

  it('L10 there is one line at a time', () => {
    const [start, stop] = ['start connection', 'stop connection'] as const
    expect(breaks(channelModel.walks, { '': [start], [start]: [stop], [stop]: [start] })).toEqual([])
  })

  it('S7 an operation is recorded between any two effects, and its slot is empty before the next', () => {
    const effects = ['send', 'reconcile', 'rollBack']
    const protocol = {
      '': ['vacate'],
      vacate: effects,
      send: ['record'],
      reconcile: ['record'],
      rollBack: ['record'],
      record: [...effects, 'vacate'],
    }
    expect(breaks(operationModel.walks, protocol)).toEqual([])
  })

  it('S10 the drain is told to drain only while it owns, and to own only once', () => {
    const told = (command: string) => `send ${command} to drain`
    const protocol = {
      '': ['start drain'],
      'start drain': [told('OWN'), told('QUIESCE'), 'stop drain'],
      [told('OWN')]: [told('DRAIN')],
      [told('DRAIN')]: [told('HOLD'), told('DISOWN'), told('QUIESCE'), 'stop drain'],
      [told('HOLD')]: [told('DRAIN'), told('DISOWN'), told('QUIESCE'), 'stop drain'],
      [told('DISOWN')]: [told('OWN'), told('QUIESCE'), 'stop drain'],
      [told('QUIESCE')]: [told('DISOWN'), 'stop drain'],
      'stop drain': ['start drain'],
    }
    expect(breaks(engineModel.walks, protocol)).toEqual([])
  })

  it('S18 S10 one page at a time is asked for, and none once credentials are missing or somebody else owns the lease', () => {
    const protocol = {
      '': ['start page'],
      'start page': ['stop page'],
      'stop page': ['start page', 'send PULL.AUTH_NEEDED to parent', 'send PULL.FENCED to parent'],
      'send PULL.AUTH_NEEDED to parent': ['start page'],
      'send PULL.FENCED to parent': ['start page'],
    }
    expect(breaks(pullModel.walks, protocol)).toEqual([])
  })

  it('S10 the pull goes only while the engine owns the lease, and is held before the drain is told to leave it', () => {
    const told = (command: string) => `send ${command} to pull`
    const protocol = {
      '': ['send OWN to drain', 'send DISOWN to drain', 'stop pull'],
      'send OWN to drain': [told('GO')],
      [told('GO')]: [told('HOLD')],
      [told('HOLD')]: [told('GO'), told('HOLD'), 'send DISOWN to drain', 'stop pull'],
      'send DISOWN to drain': ['send OWN to drain', 'send DISOWN to drain', 'stop pull'],
      'stop pull': ['send OWN to drain', 'send DISOWN to drain', 'stop pull'],
    }
    expect(breaks(engineModel.walks, protocol)).toEqual([])
  })

  it.each(['breaker', 'drain', 'lock', 'connectivity', 'pull'])('L10 the %s ends before the store is closed', (part) => {
    const protocol = {
      '': ['start open'],
      'start open': [`start ${part}`, 'start close', 'start open'],
      [`start ${part}`]: [`stop ${part}`],
      [`stop ${part}`]: [`start ${part}`, 'start close'],
      'start close': ['start open'],
    }
    expect(breaks(engineModel.walks, protocol)).toEqual([])
  })
})

/** What comes without anybody's doing: timers, and the ends of what was begun. */
function comesByItself({ event }: Edge): boolean {
  return event.type.startsWith('xstate.')
}

function isFailed(output: unknown): boolean {
  return typeof output === 'object' && output !== null && 'type' in output && output.type === 'failed'
}

function isIn(state: string) {
  return ({ snapshot }: Vertex): boolean => snapshot.matches(state)
}

function names(vertices: readonly Vertex[]): readonly unknown[] {
  return vertices.map(({ snapshot }) => snapshot.value)
}

describe('from every state', () => {
  it('L10 STOP, and what comes by itself, bring the engine to a stop', () => {
    const along = (edge: Edge): boolean => edge.event.type === 'STOP' || comesByItself(edge)
    expect(engineModel.walks.flatMap((walk) => names(deadEnds(walk, isIn('stopped'), along)))).toEqual([])
  })

  it('L10 RELEASE, and what comes by itself, release the lock', () => {
    const along = (edge: Edge): boolean => edge.event.type === 'RELEASE' || comesByItself(edge)
    expect(lockModel.walks.flatMap((walk) => names(deadEnds(walk, isIn('released'), along)))).toEqual([])
  })

  it('L2 the lock comes to hold the lease by itself, unless it is being released', () => {
    const stuck = lockModel.walks.flatMap((walk) => names(deadEnds(walk, isIn('holding'), comesByItself)))
    expect(new Set(stuck)).toEqual(new Set(['releasing', 'released']))
  })

  it('L5 a probe brings the network back without a word from the platform', () => {
    const probing = connectivityModel.walks.filter(({ vertices }) => vertices[0]!.snapshot.context.hasProbe)
    expect(probing.flatMap((walk) => names(deadEnds(walk, isIn('online'), comesByItself)))).toEqual([])
    expect(probing).toHaveLength(2)
  })

  it('L5 a pull comes to rest once pages come, with nothing left to be tried again', () => {
    const along = ({ event }: Edge): boolean =>
      event.type === 'GO' || (event.type.startsWith('xstate.') && !('output' in event && isFailed(event.output)))
    const atRest = ({ snapshot }: Vertex): boolean => {
      const { queue, failed } = snapshot.context as Record<'queue' | 'failed', readonly unknown[]>
      return snapshot.matches('going') && queue.length + failed.length === 0
    }
    expect(pullModel.walks.flatMap((walk) => names(deadEnds(walk, atRest, along)))).toEqual([])
  })

  it('L5 the breaker lets requests through again once they succeed', () => {
    const along = (edge: Edge): boolean => ['PROBE', 'SUCCESS'].includes(edge.event.type) || comesByItself(edge)
    expect(breakerModel.walks.flatMap((walk) => names(deadEnds(walk, isIn('closed'), along)))).toEqual([])
  })

  it('L6 the line comes up again by itself, unless it is unwanted or there is no network', () => {
    const along = (edge: Edge): boolean => edge.event.type.startsWith('SOCKET.') || comesByItself(edge)
    const stuck = channelModel.walks.flatMap((walk) => names(deadEnds(walk, isIn('live'), along)))
    expect(new Set(stuck.map((value) => JSON.stringify(value)))).toEqual(
      new Set(['"idle"', '"offline"', '{"waiting":"offline"}']),
    )
  })

  it('L10 DISCONNECT alone takes the line down', () => {
    const along = ({ event }: Edge): boolean => event.type === 'DISCONNECT'
    expect(channelModel.walks.flatMap((walk) => names(deadEnds(walk, isIn('idle'), along)))).toEqual([])
  })

  it('L5 a slot becomes free again, whatever its operation met', () => {
    const along = (edge: Edge): boolean => edge.event.type !== 'ASSIGN'
    expect(operationModel.walks.flatMap((walk) => names(deadEnds(walk, isIn('idle'), along)))).toEqual([])
  })
})

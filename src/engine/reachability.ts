import type { EngineActor } from '../../machines/engine.ts'
import { NetworkError, UNREACHABLE, type SyncError } from '../core/errors.ts'
import type { Connectivity, Outcome } from '../core/ports.ts'

export type Reachability = ReturnType<typeof createReachability>

/** Asks the network itself, once for all who ask at the same time. */
export function createReachability(connectivity: Connectivity, machine: () => EngineActor | undefined) {
  let probing: Promise<boolean> | undefined

  /** A probe that was given up is no longer joined. */
  function ask(signal: AbortSignal): Promise<boolean> {
    if (probing !== undefined) return probing
    const asked = probe(signal).catch(() => false)
    const over = (): void => {
      if (probing === asked) probing = undefined
    }
    probing = asked
    void asked.then(over)
    signal.addEventListener('abort', over, { once: true })
    return asked
  }

  async function probe(signal: AbortSignal): Promise<boolean> {
    return connectivity.probe?.(signal) ?? true
  }

  /** The engine is told of the suspicion first: it has paused by the time that the probe's answer is known here. */
  async function isNetworkGone(signal: AbortSignal): Promise<boolean> {
    if (connectivity.probe === undefined) return false
    machine()?.send({ type: 'DRAIN.NETWORK_SUSPECTED' })
    return isPaused() || !(await ask(signal))
  }

  function isPaused(): boolean {
    return machine()?.getSnapshot().context.pauses.includes('network') ?? false
  }

  return {
    probe: ask,
    /**
     * Answers that a captive portal may have given are put to the probe; of those that one gave, each is called so. Whether a write was
     * applied is no clearer than before.
     */
    async vetted(outcomes: readonly Outcome[], signal: AbortSignal): Promise<readonly Outcome[]> {
      if (!outcomes.some(isSuspicious) || !(await isNetworkGone(signal))) return outcomes
      return outcomes.map((outcome) => (isSuspicious(outcome) ? unreached(outcome) : outcome))
    },
  }
}

type Suspicious = Extract<Outcome, { type: 'retry' | 'unknown' | 'rejected' }>

/** A proxy's or a portal's own status, a redirect, a page where JSON was expected. */
const SUSPICIOUS: ReadonlySet<string> = new Set(['offline', 'redirect', 'unreadable'])

function isSuspicious(outcome: Outcome): outcome is Suspicious {
  return 'error' in outcome && outcome.type !== 'conflict' && outcome.type !== 'auth' && SUSPICIOUS.has(outcome.error.code)
}

function unreached({ type, error }: Suspicious): Outcome {
  return { type: type === 'retry' ? 'retry' : 'unknown', error: unreachable(error) }
}

function unreachable(cause: SyncError): NetworkError {
  const message =
    'Not the server answered, but probably a captive portal: log in to the network. The operation goes on by itself.'
  return new NetworkError(message, { code: UNREACHABLE, cause })
}

import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { isRow } from '../rows.ts'
import type { Presence } from '../../core/ports.ts'

/** A process, so described that no other one on any machine is taken for it. What the platform doesn't tell is left out. */
interface Holder {
  readonly host: string
  readonly bootId?: string | undefined
  readonly pidNamespace?: string | undefined
  readonly pid: number
  /** In the kernel's ticks since boot: tells a process from a later one with the same id. */
  readonly startTime?: string | undefined
}

const pollMs = 200

function told(ask: () => string): string | undefined {
  try {
    return ask().trim()
  } catch {
    return undefined
  }
}

interface ProcessStatus {
  readonly state: string | undefined
  readonly startTime: string | undefined
}

/** proc(5): the name in parentheses may hold anything, so what follows is counted from its last parenthesis. */
function statusOf(pid: number): ProcessStatus | undefined {
  const text = told(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], startTime: fields[19] }
}

function describeSelf(): Holder {
  return {
    host: hostname(),
    bootId: told(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
    pidNamespace: told(() => readlinkSync('/proc/self/ns/pid')),
    pid: process.pid,
    startTime: statusOf(process.pid)?.startTime,
  }
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

function parseHolder(text: string): Holder | undefined {
  const value: unknown = parseJson(text)
  if (!isRow(value)) return undefined
  const { host, bootId, pidNamespace, pid, startTime } = value
  if (typeof host !== 'string' || typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
  if (!isText(bootId) || !isText(pidNamespace) || !isText(startTime)) return undefined
  return { host, bootId, pidNamespace, pid, startTime }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Signal 0 only asks. A process that may not be signalled exists. */
function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** A stopped process is alive; a zombie is not. */
function isAlive({ pid, startTime }: Holder): boolean {
  const status = statusOf(pid)
  if (!status) return answersSignals(pid)
  if (status.state === 'Z' || status.state === 'X') return false
  return startTime === undefined || status.startTime === startTime
}

type Verdict = 'gone' | 'unknowable' | 'ask'

function judge(holder: Holder | undefined, self: Holder): Verdict {
  if (!holder || holder.host !== self.host) return 'unknowable'
  if (holder.bootId !== self.bootId) return holder.bootId !== undefined && self.bootId !== undefined ? 'gone' : 'unknowable'
  return holder.pidNamespace === self.pidNamespace ? 'ask' : 'unknowable'
}

/** Tells whether the process that holds a lease still lives, if it is or was one of this machine. */
export function processPresence(): Presence {
  return {
    async announce() {
      return { holder: JSON.stringify(describeSelf()), release: async () => {} }
    },
    whenGone(description, signal) {
      const holder = parseHolder(description)
      const verdict = judge(holder, describeSelf())
      return new Promise((resolve) => {
        if (signal.aborted || !holder || verdict === 'unknowable') return
        if (verdict === 'gone' || !isAlive(holder)) return resolve()
        const timer = setInterval(() => {
          if (isAlive(holder)) return
          clearInterval(timer)
          resolve()
        }, pollMs).unref()
        signal.addEventListener('abort', () => clearInterval(timer), { once: true })
      })
    },
  }
}

/** As many are ordered at once: going round the event loop for each would cost eight times as much. */
const AHEAD = 64

/** Calls `step`, each time in a macrotask of its own, so that every microtask runs in between; ends when it gives false. */
export function everyMacrotask(step: () => boolean): void {
  const later = platformMacrotask()
  let going = true
  const run = (): void => {
    if (going) going = step()
  }
  const pump = (): void => {
    run()
    if (!going) return
    for (let i = 1; i < AHEAD; i++) later(run)
    later(pump)
  }
  later(pump)
}

function platformMacrotask(): (task: () => void) => void {
  return typeof setImmediate === 'function' ? setImmediate : channelTask
}

function channelTask(task: () => void): void {
  const { port1, port2 } = new MessageChannel()
  port1.addEventListener('message', () => {
    port1.close()
    task()
  })
  port1.start()
  port2.postMessage(undefined)
}

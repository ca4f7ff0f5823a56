// Stands in for the platform's AbortController while seeds are simulated: that one is kept until the next full collection, and with it the whole world
// that listens to it. What engine and machines use of it is the same.

class Signal {
  aborted = false
  /** @type {unknown} */
  reason
  #listeners = []

  addEventListener(_type, listener) {
    this.#listeners.push(listener)
  }

  removeEventListener(_type, listener) {
    this.#listeners = this.#listeners.filter((other) => other !== listener)
  }

  throwIfAborted() {
    if (this.aborted) throw this.reason
  }

  abort(reason) {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener({ type: 'abort', target: this })
  }
}

class Controller {
  signal = new Signal()

  abort(reason = Object.assign(new Error('This operation was aborted'), { name: 'AbortError' })) {
    this.signal.abort(reason)
  }
}

export function useLightAbort() {
  globalThis.AbortController = Controller
}

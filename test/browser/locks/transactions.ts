const open = new Set<IDBTransaction>()
let idle: (() => void)[] = []

function ended(transaction: IDBTransaction): void {
  open.delete(transaction)
  if (open.size > 0) return
  const waiting = idle
  idle = []
  for (const go of waiting) go()
}

/** From now on this context knows which of its transactions are open. */
export function watchTransactions(): void {
  const begin = IDBDatabase.prototype.transaction
  IDBDatabase.prototype.transaction = function (...args) {
    const transaction = begin.apply(this, args)
    open.add(transaction)
    for (const type of ['complete', 'abort']) transaction.addEventListener(type, () => ended(transaction))
    return transaction
  }
}

/** Runs the task at a moment at which no transaction of this context is open: one would hold up all others for as long as the task takes. */
export function betweenTransactions<T>(task: () => T): Promise<T> {
  return new Promise((resolve) => {
    const go = (): void => resolve(task())
    if (open.size === 0) go()
    else idle.push(go)
  })
}

import { SyncError, ValidationError } from '../core/errors.ts'
import type { NewId } from '../core/ports.ts'
import type { OperationRow } from '../core/operation.ts'
import { TRANSACTION_FAILED } from '../core/transaction.ts'
import type { Transaction, TransactionHandle } from './transaction-types.ts'
import type { EnqueueInput, Operation, Settlement } from './types.ts'

/** Of one call: what it holds, and the ids of that. */
export interface TransactionInput {
  readonly id: string
  readonly ids: readonly string[]
  readonly inputs: readonly EnqueueInput[]
}

export interface TransactParts {
  readonly newId: NewId
  /** As it is now. Throws `ValidationError` that names what is wrong; `at` is where it stands. */
  read(input: EnqueueInput, at: string): EnqueueInput
  accept(transaction: TransactionInput): Promise<readonly OperationRow[]>
  /** The handle of what was accepted. */
  accepted(row: OperationRow, input: EnqueueInput | undefined): Operation
}

/** Gathers the operations of a transaction while its body runs, and stores them together. If the body fails, nothing is stored. */
export function createTransact({ newId, read, accept, accepted }: TransactParts) {
  return async function transact(body: (tx: Transaction) => void | Promise<void>): Promise<TransactionHandle> {
    if (typeof body !== 'function') throw new ValidationError('transaction', 'must be a function that enqueues operations.')
    const [inputs, ids, id]: [EnqueueInput[], string[], string] = [[], [], newId()]
    let isOpen = true
    const tx: Transaction = {
      enqueue(input) {
        if (!isOpen) throw ended()
        const own = newId()
        inputs.push(read(input, `[${inputs.length}].`))
        ids.push(own)
        return { id: own }
      },
    }
    try {
      await body(tx)
    } finally {
      isOpen = false
    }
    const rows = inputs.length === 0 ? [] : await accept({ id, ids, inputs })
    const operations = rows.map((row, at) => accepted(row, inputs[at]))
    return handleOf(rows[0]?.transaction?.id ?? id, operations)
  }
}

function handleOf(id: string, operations: readonly Operation[]): TransactionHandle {
  return {
    id,
    operations,
    get settled() {
      return Promise.all(operations.map(({ settled }) => settled)).then(endOf)
    },
  }
}

/** As the operation that failed ended; that of the others names it. */
function endOf(ends: readonly Settlement[]): Settlement {
  const failed = ends.filter(({ status }) => status !== 'done')
  const own = failed.find((end) => end.status !== 'rejected' || end.error?.code !== TRANSACTION_FAILED)
  return own ?? failed[0] ?? { status: 'done' }
}

function ended(): SyncError {
  return new SyncError('transaction-ended', 'The body of this transaction has ended: enqueue before it returns or resolves.')
}

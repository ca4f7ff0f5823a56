import { bug, type Bug } from '../bug.ts'

/** What leaves, under which key, and what an answer is taken for. */
export const sending: readonly Bug[] = [
  bug(
    'a new key on retry',
    'After a lost answer the server can not know the retry for the same write.',
    'src/core/operation.js',
    'return row.reconciliations === 0 ? row.idempotencyKey : derivedKey(row.idempotencyKey, `.${row.reconciliations}`);',
    'return row.attempts <= 1 ? row.idempotencyKey : `${row.idempotencyKey}.${row.attempts}`;',
    'S4 S6',
  ),
  bug(
    'the derived key used for two requests',
    'A server that keeps its answers gives the refusal of the first request to the reconciled one.',
    'src/core/operation.js',
    'return row.reconciliations === 0 ? row.idempotencyKey : derivedKey(row.idempotencyKey, `.${row.reconciliations}`);',
    'return row.reconciliations === 0 ? row.idempotencyKey : `${row.idempotencyKey}.1`;',
    'S5',
  ),
  bug(
    'no derived key',
    'The reconciled request has other bytes under the key of the refused one.',
    'src/core/rows.js',
    'reconciliations: row.reconciliations + 1,',
    'reconciliations: row.reconciliations,',
    'S5',
  ),
  bug(
    'a retry prepared anew',
    'It is made on what is known by now, so that one key stands for two requests.',
    'src/engine/chooser.js',
    'return claim(row, row.request, row.baseVersion);',
    'return claim(row, transport.prepare({ ...row, baseVersion: entity?.version }), entity?.version);',
    'S5',
  ),
  bug(
    'an edit that keeps the key',
    'What was attempted with the old content may have been applied under it.',
    'src/engine/operations.js',
    'unpark(row.attempts > 0 ? ofNewKey(settled) : settled)',
    'unpark(settled)',
    'S5',
  ),
  bug(
    'any answer of the server counts as success',
    'A 500 or a page of a proxy ends the operation.',
    'machines/operation.js',
    "isApplied: ({ context, event }) => outcomeOf(context, event)?.type === 'applied',",
    "isApplied: ({ context, event }) => ['applied', 'unknown'].includes(outcomeOf(context, event)?.type),",
    'S4',
  ),
  bug(
    'a 200 that can not be read counts as success',
    'A captive portal answers everything with 200.',
    'src/core/classify.js',
    'return unreadable(status, body.reason);',
    "return { type: 'applied' };",
    'S4',
  ),
  bug(
    'a server error is a final refusal',
    'The effect may have been made before the server failed.',
    'src/core/classify.js',
    "return { type: 'unknown', error: new ServerError(message, { status: answer.status, ...reported(answer) }), ...waiting(answer) };",
    "return { type: 'rejected', definite: true, error: new ServerError(message, { status: answer.status }) };",
    'S4 S6 S11',
  ),
  bug(
    'a time-out is a final refusal',
    'The request is still on its way, and is applied after the operation was given up.',
    'src/adapters/http/exchange.js',
    "return { type: 'none', outcome: { type: 'unknown', error: late } };",
    "return { type: 'none', outcome: { type: 'rejected', definite: true, error: late } };",
    'S11',
  ),
  bug(
    'an unknown outcome is rolled back by a later refusal',
    'The refusal of a retry says nothing about the first attempt.',
    'machines/operation.js',
    '(outcome.definite || row?.unknownAttempts === 1)',
    '(outcome.definite || row !== undefined)',
    'S4 S6',
  ),
  bug(
    'an optimistic change taken back though its operation is done',
    'Every end is taken for a failure.',
    'src/engine/optimistic.js',
    "if (row.status === 'rejected')",
    "if (row.status === 'rejected' || row.status === 'done')",
    'S6',
  ),
  bug(
    'a stale version after our own success is a conflict',
    'The change is there already, and is made once more.',
    'src/core/reconcile.js',
    'if (isThere(row, remote))',
    'if (isThere(row, remote) && row.unknownAttempts > 0)',
    'S13',
  ),
  bug(
    'a batch gives all its operations the first answer',
    'The others may have been refused.',
    'src/engine/sender.js',
    'answer(slot, row, outcomes[i] ?? unanswered());',
    'answer(slot, row, outcomes[0] ?? unanswered());',
    'S4',
  ),
  bug(
    'sent before the claim is written',
    'After a crash nobody knows that the request has left; the operation is merged, or made anew.',
    'src/engine/dispatcher.js',
    'result = await commitTurn(epoch, turn);',
    `turn.choices = [...choices];
            for (const choice of choices.splice(0))
                accept(choice);
            handOut();
            result = await commitTurn(epoch, turn);`,
    'S4 S5 S7 S9 S17',
  ),
  bug(
    'acknowledged before it is written',
    'The application is told of an end that a crash undoes.',
    'src/engine/dispatcher.js',
    'result = await commitTurn(epoch, turn);',
    `for (const entry of entries.splice(0))
                acknowledge(entry);
            result = await commitTurn(epoch, turn);`,
    'S7',
  ),
]

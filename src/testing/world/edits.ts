import type { JsonObject } from '../../core/json.ts'
import type { Tell } from './facts.ts'
import type { Tab } from './tab.ts'
import { codeOf } from './trace.ts'

/** Somebody changes what an operation is to send, and what became of that is told. Nothing is done where no engine is ready. */
export function edit(tab: Tab, id: string, payload: JsonObject, tell: Tell): void {
  const did = (result: string): void => tell({ type: 'did', tab: tab.name, action: 'edit', operation: id, result })
  tab
    .ready()
    ?.operations.edit(id, payload)
    .then(
      () => did('done'),
      (error: unknown) => did(codeOf(error)),
    )
}

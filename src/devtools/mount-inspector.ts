import { mount } from '../../visualizations/inspector/mount.ts'
import { ValidationError } from '../core/errors.ts'
import { isRecord } from '../core/schema.ts'
import type { SyncEngine } from '../engine/types.ts'
import { follow } from './follow.ts'
import { checkRecording } from './recording.ts'

/**
 * Shows an engine of this page in an element, which should have a height: statecharts, actors, timeline, queue, conflicts, and time travel. The engine needs the option
 * `recorder`. Returns the function that ends it. @throws ValidationError for what is no engine or no element; SyncError (`not-recording`) if it records nothing.
 */
export function mountInspector(engine: SyncEngine, element: HTMLElement): () => void {
  checkRecording(engine)
  checkElement(element)
  const inspector = mount(element)
  const stop = follow(engine, {
    lines: inspector.append,
    status: (status) => inspector.setStatus('engine', status),
    hasRoom: () => true,
  })
  return () => {
    stop()
    inspector.close()
  }
}

/** What a page has not is `null` to who looks for it. */
function checkElement(element: unknown): void {
  if (!isRecord(element) || typeof element['replaceChildren'] !== 'function')
    throw new ValidationError('element', 'must be an element: mount the inspector once the page has it.')
}

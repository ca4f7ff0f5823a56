import { mount } from '../../visualizations/inspector/mount.ts'
import type { SyncEngine } from '../engine/types.ts'
import { follow } from './follow.ts'

/**
 * Shows an engine of this page in an element, which should have a height: statecharts, actors, timeline, queue, conflicts, and time travel. The engine needs the option
 * `recorder`. Returns the function that ends it. @throws SyncError (`not-recording`) if the engine records nothing.
 */
export function mountInspector(engine: SyncEngine, element: HTMLElement): () => void {
  // To fail before anything is there.
  engine.recorder.watch(() => {})()
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

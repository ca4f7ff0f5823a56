import { drainOnSync } from '../../../src/adapters/service-worker/index.ts'
import { notesEngine, TAG } from './engine.ts'

/** Tells the pages, and whoever asks later, what became of each drain. */
const channel = new BroadcastChannel('drains')

drainOnSync({
  createEngine() {
    const engine = notesEngine()
    engine.on('engine:stopped', () => channel.postMessage({ requests: engine.metrics().requests }))
    return engine
  },
  tag: TAG,
  periodicTag: `${TAG}-daily`,
  timeoutMs: 3_000,
})

import { Observable } from 'rxjs'
import { fromPromise } from 'xstate'
import { pullMachine, type PageInput, type PageResult } from '../../machines/pull.ts'
import { without } from './parts.ts'
import type { ReadPath } from './read-path.ts'
import { OFF, type Realtime } from './realtime.ts'

/** In the place of a line to the server where there is none. */
export const NO_REALTIME: Realtime = {
  state$: always(OFF),
  messages$: new Observable(),
  isConnected: () => false,
  begin() {},
  end() {},
  enable: without('realtime'),
  disable() {},
}

/** In the place of what brings the server's changes, where nothing does. */
export const NO_READ_PATH: ReadPath = {
  progress: { progress$: always({ phase: 'idle', done: 0 }), pushing() {}, pushed() {} },
  realtime: NO_REALTIME,
  scopes: { list: async () => without('pull')(), set: async () => without('pull')() },
  wishOf: without('pull'),
  request: async () => without('pull')(),
  logic: pullMachine.provide({ actors: { page: fromPromise<PageResult, PageInput>(async () => without('pull')()) } }),
  owned() {},
  disowned() {},
  storeChanged() {},
  emptied() {},
  closed() {},
}

function always<T>(value: T): Observable<T> {
  return new Observable((subscriber) => subscriber.next(value))
}

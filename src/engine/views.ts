import { BehaviorSubject, Observable, Subject, Subscription } from 'rxjs'
import type { ActionEffects } from '../core/derive.ts'
import { StorageClosedError, ValidationError } from '../core/errors.ts'
import { text } from '../core/option-checks.ts'
import type { Settings } from '../core/options.ts'
import type { Clock, Write } from '../core/ports.ts'
import { distinct } from './distinct.ts'
import type { Events } from './events.ts'
import { guarded } from './guarded.ts'
import { createLook } from './look.ts'
import { createMirror, type Mirror, type News } from './mirror.ts'
import { newsOf } from './news.ts'
import { PAGE_LIMIT, type Store } from './store.ts'
import { createTurns } from './turns.ts'
import type { Entity, EntityChange, EntityView } from './read-types.ts'

/** News from other tabs is gathered for so long: a drain elsewhere commits many times a second. */
const GATHER_MS = 15
const LOOK_AGAIN_MS = 1_000
const NOTHING: News = { entities: [], operations: [], ended: [] }

/**
 * What the application sees: by kind of entity, what the server last confirmed and the live operations on top. What this handle commits is seen at
 * once; what others commit is looked up in the store, by the revision of entities and by all that is live.
 */
export function createViews(settings: Settings, store: Store, clock: Clock, events: Events) {
  const mirrors = new Map<string, Mirror>()
  const loading = new Map<string, Promise<void>>()
  const isOpen = new BehaviorSubject(false)
  const left = new Subject<void>()
  const changes = new Subject<readonly EntityChange[]>()
  const turns = createTurns()
  const lookFrom = createLook(settings.user, store)
  /** Since when others have committed what the mirrors lack, or may lack. */
  let behindSince: number | undefined
  let isLooking = false
  /** How often this handle has committed what could not be shown at once, and up to which of these all is shown. */
  let [owed, shown] = [0, 0]
  let due: Promise<void> | undefined
  let cancelLook: (() => void) | undefined
  let rev = 0
  /** How often the store was closed or emptied: what was read before that tells nothing of what it holds now. */
  let endings = 0

  function mirrorOf(entity: string): Mirror {
    return createMirror(settings.user, entity, actionsOf(settings, entity))
  }

  function show(news: News, among: Iterable<Mirror> = mirrors.values()): void {
    const seen = [...among].flatMap((mirror) => mirror.take(news))
    if (seen.length === 0) return
    for (const change of seen) tell(change)
    changes.next(seen)
  }

  function tell({ type, entity, id, formerId, fields, after }: EntityChange): void {
    const version = after?.version
    const own = { entity, id, fields, ...(formerId === undefined ? {} : { formerId }) }
    events.emit({ type: `entity:${type}`, ...own, ...(version === undefined ? {} : { version }) })
  }

  /** By this handle; the keys are those of appended rows, in order. On top of what is not up to date it would show what never was (S14). */
  function committed(writes: readonly Write[], keys: readonly number[]): void {
    if (mirrors.size === 0 && loading.size === 0) return
    const news = newsOf(writes, keys, [...mirrors.values()])
    if (news === undefined) return
    if (behindSince === undefined && !isLooking) return show(news)
    owed += 1
    fallBehind()
  }

  function load(entity: string): Promise<void> {
    const known = loading.get(entity)
    if (known !== undefined) return known
    const loaded = turns.take(() => fill(entity))
    loading.set(entity, loaded)
    loaded.catch(() => loading.delete(entity))
    return loaded
  }

  async function fill(entity: string): Promise<void> {
    if (mirrors.has(entity)) return
    const [mirror, ending] = [mirrorOf(entity), endings]
    isLooking = true
    try {
      const before = (await store.newestEntity()).seen
      for (let after = ''; ;) {
        const page = await store.entityPage(settings.user, entity, after, PAGE_LIMIT)
        mirror.take({ ...NOTHING, entities: page.rows })
        if (page.last === undefined) break
        after = page.last
      }
      mirror.take(await lookFrom(before, [mirror]))
      if (ending !== endings) return fill(entity)
      // Others may be shown something newer by this look than by their last one, which does no harm.
      if (mirrors.size === 0) rev = Math.max(rev, before)
      mirrors.set(entity, mirror)
    } finally {
      isLooking = false
    }
  }

  async function look(): Promise<void> {
    const [since, upTo, ending] = [behindSince, owed, endings]
    upToDate()
    isLooking = true
    try {
      const news = mirrors.size === 0 ? { ...NOTHING, rev } : await lookFrom(rev, [...mirrors.values()])
      // What seemed to be the newest was so by a damage that is mended by now.
      const wasTooHigh = mirrors.size > 0 && news.entities.length === 0 && (await store.newestEntity()).rev < rev
      if (ending !== endings) return
      if (wasTooHigh) return closed(isOpen.value)
      rev = news.rev
      show(news)
      shown = upTo
    } catch (error) {
      if (!(error instanceof StorageClosedError)) lookAgain(since)
      throw error
    } finally {
      isLooking = false
    }
  }

  function upToDate(): void {
    due = undefined
    behindSince = undefined
    cancelLook?.()
    cancelLook = undefined
  }

  function lookAgain(since: number | undefined): void {
    behindSince = since ?? clock.monotonic()
    owed += 1
    cancelLook ??= clock.schedule(lookSoon, LOOK_AGAIN_MS)
  }

  /** Hidden tabs have their timers called late, at worst once a minute: then the next commit does it. */
  function fallBehind(): void {
    behindSince ??= clock.monotonic()
    if (clock.monotonic() - behindSince > GATHER_MS) lookSoon()
    else cancelLook ??= clock.schedule(lookSoon, GATHER_MS)
  }

  function lookSoon(): void {
    lookNow().catch(report)
  }

  function lookNow(): Promise<void> {
    due ??= turns.take(look)
    return due
  }

  function report(error: unknown): void {
    if (!(error instanceof StorageClosedError)) events.emit({ type: 'storage:error', error })
  }

  /** In each life of the store anew. Who can't read it goes on once it can be read again. */
  function whileOpen(follow: (life: Subscription) => Promise<void>): Subscription {
    let life = new Subscription()
    function begin(own: Subscription): void {
      follow(own).catch((error: unknown) => {
        if (own.closed) return
        report(error)
        own.add(clock.schedule(() => begin(own), LOOK_AGAIN_MS))
      })
    }
    const opened = isOpen.subscribe((open) => {
      life.unsubscribe()
      life = new Subscription()
      if (open) begin(life)
    })
    opened.add(() => life.unsubscribe())
    return opened
  }

  /** Nothing is known of what happens to the store from now on. */
  function closed(isOpenAgain = false): void {
    isOpen.next(false)
    endings += 1
    upToDate()
    shown = owed
    mirrors.clear()
    loading.clear()
    rev = 0
    isOpen.next(isOpenAgain)
  }

  function safely<Value>(stream: Observable<Value>): Observable<Value> {
    return guarded(stream, events.subscriberFailed)
  }

  /** @throws ValidationError if the engine has no such entity. */
  function of<T extends object>(entity: string): EntityView<T> {
    if (typeof entity !== 'string' || !Object.hasOwn(settings.entities, entity))
      throw new ValidationError('entity', `must be one of the engine's entities: ${Object.keys(settings.entities).join(', ')}.`)
    const mirror = async (): Promise<Mirror> => {
      await load(entity)
      if (shown < owed) await lookNow()
      return mirrors.get(entity) ?? mirrorOf(entity)
    }
    const changes$ = new Observable<readonly EntityChange[]>((subscriber) =>
      changes.subscribe((all) => {
        const own = all.filter((change) => change.entity === entity)
        if (own.length > 0) subscriber.next(own)
      }),
    )
    const watched = <Part>(pick: (one: Mirror) => Part): Observable<Part> =>
      distinct(
        new Observable<Part>((subscriber) => {
          subscriber.add(left.subscribe(() => subscriber.next(pick(mirrorOf(entity)))))
          return whileOpen(async (life) => {
            const one = await mirror()
            if (life.closed) return
            subscriber.next(pick(one))
            life.add(changes$.subscribe(() => subscriber.next(pick(one))))
          })
        }),
      )
    function watch(): Observable<readonly Entity[]>
    function watch(id: string): Observable<Entity | undefined>
    function watch(id?: string): Observable<readonly Entity[] | Entity | undefined> {
      if (id === undefined) return safely(watched((one) => one.list()))
      text('id', id, 'the id of an entity')
      return safely(watched((one) => one.get(id)))
    }
    return typed<T>({
      async get(id) {
        text('id', id, 'the id of an entity')
        return (await mirror()).get(id)
      },
      async list(matches) {
        if (matches !== undefined && typeof matches !== 'function')
          throw new ValidationError('matches', 'must be a function, as ({ value }) => !value.done.')
        const all = (await mirror()).list()
        return matches === undefined ? all : all.filter(matches)
      },
      changes$: safely(changes$),
      watch,
    })
  }

  return {
    of,
    committed,
    /** Another handle has written the store. */
    storeChanged(): void {
      if (mirrors.size > 0 || loading.size > 0) fallBehind()
    },
    opened: (): void => isOpen.next(true),
    closed: (): void => closed(),
    /** What is seen is what it holds from now on. */
    emptied: (): void => closed(isOpen.value),
    /** The user has logged out: nothing is shown until the store is opened once more, whatever it still holds or is told. */
    loggedOut(): void {
      closed()
      left.next()
    },
  }
}

function actionsOf({ entities }: Settings, entity: string): ActionEffects {
  return entities[entity]?.actions ?? {}
}

/** The application says what its values look like. */
function typed<T extends object>(view: EntityView): EntityView<T>
function typed(view: unknown): unknown {
  return view
}

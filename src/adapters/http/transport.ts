import type { Transport } from '../../core/ports.ts'
import { createSendAtomic, createSendBatch } from './batch.ts'
import { createCredential } from './auth.ts'
import { askDigest } from './digest.ts'
import { createExchange, type Exchange, type HttpPlatform } from './exchange.ts'
import { fetchEntity } from './fetch-entity.ts'
import { checkOptions, type HttpSettings, type HttpTransportOptions } from './options.ts'
import { pullChanges } from './pull.ts'
import { prepareRequest } from './routes.ts'
import { sendOne } from './send.ts'

/** The HTTP transport over what carries its requests. @throws ValidationError that names the wrong option. */
export function transportOver(platform: HttpPlatform, options: HttpTransportOptions): Transport {
  const settings = checkOptions(options)
  const { auth, timeoutMs } = settings
  const credential = auth === undefined ? undefined : createCredential(platform.clock, auth, timeoutMs)
  const over = (user?: string): Transport => transportThrough(settings, createExchange(settings, platform, credential, user))
  return auth?.user === undefined ? over() : { ...over(), forUser: over }
}

function transportThrough(settings: HttpSettings, exchange: Exchange): Transport {
  return {
    prepare: (operation) => prepareRequest(settings, operation),
    send: (request, context) => sendOne(settings, exchange, request, context),
    ...(settings.batch && {
      sendBatch: createSendBatch(settings, settings.batch, exchange),
      sendAtomic: createSendAtomic(settings, settings.batch, exchange),
    }),
    fetch: (entity, entityId, { signal }) => fetchEntity(settings, exchange, entity, entityId, signal),
    pull: (request, { signal }) => pullChanges(settings, exchange, request, signal),
    digest: (request, { signal }) => askDigest(settings, exchange, request, signal),
  }
}

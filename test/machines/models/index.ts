import { breakerModel } from './breaker.ts'
import { channelModel } from './channel.ts'
import { conflictModel } from './conflict.ts'
import { connectivityModel } from './connectivity.ts'
import { engineModel } from './engine.ts'
import { lockModel } from './lock.ts'
import { operationModel } from './operation.ts'
import { pullModel } from './pull.ts'

export const models = [
  engineModel,
  lockModel,
  breakerModel,
  operationModel,
  conflictModel,
  connectivityModel,
  channelModel,
  pullModel,
]

import { hostEngines } from '../host.ts'
import { watchTransactions } from '../transactions.ts'

watchTransactions()
hostEngines(self)

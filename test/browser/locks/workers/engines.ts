import { hostEngines } from '../host.ts'

hostEngines(self)

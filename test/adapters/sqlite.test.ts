import { describeStorage } from './storage-contract.ts'
import { makeSqliteWorld } from './support/sqlite-world.ts'

describeStorage('sqlite', makeSqliteWorld)

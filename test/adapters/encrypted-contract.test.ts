import { describeStorage } from './storage-contract.ts'
import { encryptedWorld } from './support/encrypted-world.ts'
import { makeMemoryWorld } from './support/memory-world.ts'
import { makeSqliteWorld } from './support/sqlite-world.ts'

describeStorage('E7 encrypted, over memory', () => encryptedWorld(makeMemoryWorld))
describeStorage('E7 encrypted, over sqlite', () => encryptedWorld(makeSqliteWorld))

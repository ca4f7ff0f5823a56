import { describeStorage } from '../../adapters/storage-contract.ts'
import { indexedDbWorld } from './indexeddb-world.ts'

describeStorage('indexeddb', () => indexedDbWorld())

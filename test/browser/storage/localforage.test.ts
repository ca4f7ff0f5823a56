import { describeStorage } from '../../adapters/storage-contract.ts'
import { localforageWorld } from './localforage-world.ts'

describeStorage('localforage over IndexedDB', () => localforageWorld('INDEXEDDB'))
describeStorage('localforage over localStorage', () => localforageWorld('LOCALSTORAGE'))

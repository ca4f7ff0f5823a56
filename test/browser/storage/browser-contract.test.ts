import { browserStorage } from '../../../src/adapters/browser.ts'
import { describeStorage } from '../../adapters/storage-contract.ts'
import { indexedDbWorld } from './indexeddb-world.ts'

describeStorage('browser', () => indexedDbWorld((name) => browserStorage({ name })))

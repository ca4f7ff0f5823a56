import { webPresence } from '../../../../src/adapters/web-presence.ts'

const announced = await webPresence()!.announce()
postMessage({ type: 'holder', holder: announced.holder })

import { hostEngines } from '../host.ts'

const { port1, port2 } = new MessageChannel()
port1.start()
parent.postMessage('port', location.origin, [port2])
hostEngines(port1)

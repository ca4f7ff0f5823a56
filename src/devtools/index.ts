export { inspectTo, type InspectToOptions } from './inspect-to.ts'
export { mountInspector } from './mount-inspector.ts'

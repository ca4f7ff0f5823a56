export { attachInspector, type AttachOptions, type XStateInspector } from './attach.ts'

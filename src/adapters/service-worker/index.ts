export { drainOnSync, type DrainOnSyncOptions } from './on-sync.ts'
export { registerDrain, type DrainRegistration, type RegisterDrainOptions } from './register.ts'

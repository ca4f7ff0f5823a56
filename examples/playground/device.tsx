import { createRoot } from 'react-dom/client'
import { SyncProvider } from 'synchart/react'
import { Board } from './board.tsx'
import { ConflictDialog } from './conflicts.tsx'
import { createDevice } from './engine.ts'
import { DeadLetters, OfflineNotice, StatusIndicator } from './status.tsx'
import { Switches } from './switches.tsx'

const query = new URLSearchParams(location.search)
const device = createDevice(query.get('device') ?? 'ana', query.get('api') ?? location.origin)

createRoot(document.querySelector('#device') ?? document.body).render(
  <SyncProvider engine={device.engine}>
    <header>
      <h1>{device.name}</h1>
      <StatusIndicator />
      <Switches device={device} />
    </header>
    <OfflineNotice />
    <Board />
    <DeadLetters />
    <ConflictDialog />
  </SyncProvider>,
)

// The page around this one shows its machines.
Object.assign(window, { engine: device.engine })
device.engine.start().catch((error: unknown) => {
  document.body.append(error instanceof Error ? error.message : String(error))
})
addEventListener('pagehide', () => void device.engine.stop())

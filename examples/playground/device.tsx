import { useState, type ReactElement } from 'react'
import { createRoot } from 'react-dom/client'
import { SyncProvider } from 'synchart/react'
import { Board } from './board.tsx'
import { Conflicts } from './conflicts.tsx'
import { createDevice } from './engine.ts'
import { Refused } from './refused.tsx'
import { OfflineNotice, StatusIndicator } from './status.tsx'
import { Switches } from './switches.tsx'

const query = new URLSearchParams(location.search)
const device = createDevice(query.get('device') ?? 'ana', query.get('api') ?? location.origin)

function App(): ReactElement {
  const [later, setLater] = useState<readonly string[]>([])
  return (
    <SyncProvider engine={device.engine}>
      <header>
        <h1>{device.name}</h1>
        <StatusIndicator onConflicts={() => setLater([])} />
        <Switches device={device} />
      </header>
      <OfflineNotice />
      <Conflicts later={later} onLater={(id) => setLater([...later, id])} />
      <Refused />
      <Board />
    </SyncProvider>
  )
}

createRoot(document.querySelector('#device') ?? document.body).render(<App />)

// The page around this one shows its machines.
Object.assign(window, { engine: device.engine })
device.engine.start().catch((error: unknown) => {
  document.body.append(error instanceof Error ? error.message : String(error))
})
addEventListener('pagehide', () => void device.engine.stop())

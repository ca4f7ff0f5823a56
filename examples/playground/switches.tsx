import { useState, type ReactElement } from 'react'
import type { DrawnFaults, FaultScript } from 'synchart/testing'
import type { Device } from './engine.ts'

const refuseAll: FaultScript = ({ method }) => (method === 'GET' ? undefined : { type: 'error-status', status: 422 })

const NETWORKS: Readonly<Record<string, DrawnFaults | FaultScript | undefined>> = {
  works: undefined,
  'loses one in ten': { rate: 0.1, types: ['request-lost', 'response-lost'] },
  'loses every other': { rate: 0.5, types: ['request-lost', 'response-lost'] },
  'is slow': () => ({ type: 'late', thereMs: 1_000, backMs: 500 }),
  'server fails': () => ({ type: 'error-status', status: 503 }),
  'server refuses writes': refuseAll,
}

const CLOCKS: Readonly<Record<string, number>> = { right: 0, 'an hour ahead': 3_600_000, 'a day behind': -86_400_000 }

/** What can go wrong on a device. */
export function Switches({ device: { network, clock } }: { readonly device: Device }): ReactElement {
  const [isOffline, setOffline] = useState(false)
  const turn = (offline: boolean): void => {
    setOffline(offline)
    network.setOnline(!offline)
  }
  return (
    <fieldset className="switches">
      <label>
        <input type="checkbox" checked={isOffline} onChange={({ target }) => turn(target.checked)} /> offline
      </label>
      <label>
        network{' '}
        <select onChange={({ target }) => network.setFaults(NETWORKS[target.value])}>
          {Object.keys(NETWORKS).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        clock{' '}
        <select onChange={({ target }) => clock.setSkew(CLOCKS[target.value] ?? 0)}>
          {Object.keys(CLOCKS).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <button onClick={() => window.open(location.href)}>Another tab</button>
    </fieldset>
  )
}

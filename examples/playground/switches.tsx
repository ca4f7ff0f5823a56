import { useState, type ReactElement } from 'react'
import type { DrawnFaults, FaultScript } from 'synchart/testing'
import type { Device } from './engine.ts'

interface Choice<T> {
  readonly name: string
  readonly about: string
  readonly value: T
}

const refuseWrites: FaultScript = ({ method }) => (method === 'GET' ? undefined : { type: 'error-status', status: 422 })

const NETWORKS: readonly Choice<DrawnFaults | FaultScript | undefined>[] = [
  { name: 'works', about: 'Requests and answers arrive.', value: undefined },
  {
    name: 'loses one in ten',
    about: 'A tenth of the requests get no answer: half of them never arrive, the others do.',
    value: { rate: 0.1, types: ['request-lost', 'response-lost'] },
  },
  {
    name: 'loses every other',
    about: 'Half of the requests get no answer: half of them never arrive, the others do.',
    value: { rate: 0.5, types: ['request-lost', 'response-lost'] },
  },
  {
    name: 'is slow',
    about: 'A request takes a second longer, its answer half a second.',
    value: () => ({ type: 'late', thereMs: 1_000, backMs: 500 }),
  },
  {
    name: 'server fails',
    about: 'Every answer is 503: it is tried again, more and more rarely.',
    value: () => ({ type: 'error-status', status: 503 }),
  },
  { name: 'server refuses writes', about: 'Every write is answered by 422: it is refused for good.', value: refuseWrites },
]

const CLOCKS: readonly Choice<number>[] = [
  { name: 'right', about: 'The clock of this device is that of the computer.', value: 0 },
  { name: 'an hour ahead', about: 'The clock of this device is an hour ahead: nothing is decided by it.', value: 3_600_000 },
  { name: 'a day behind', about: 'The clock of this device is a day behind: nothing is decided by it.', value: -86_400_000 },
]

/** What can go wrong on a device. */
export function Switches({ device: { network, clock } }: { readonly device: Device }): ReactElement {
  return (
    <fieldset className="switches">
      <label title="Nothing leaves this device and nothing reaches it; it knows that.">
        <input type="checkbox" onChange={({ target }) => network.setOnline(!target.checked)} /> offline
      </label>
      <Select label="network" choices={NETWORKS} onChoice={network.setFaults} />
      <Select label="clock" choices={CLOCKS} onChoice={clock.setSkew} />
      <button
        title="The same device and store in one more tab: one of them sends for both."
        onClick={() => window.open(location.href)}
      >
        Another tab
      </button>
    </fieldset>
  )
}

interface SelectProps<T> {
  readonly label: string
  readonly choices: readonly Choice<T>[]
  readonly onChoice: (value: T) => void
}

function Select<T>({ label, choices, onChoice }: SelectProps<T>): ReactElement {
  const [chosen, setChosen] = useState(choices[0])
  const choose = (name: string): void => {
    const choice = choices.find((one) => one.name === name)
    if (choice === undefined) return
    setChosen(choice)
    onChoice(choice.value)
  }
  return (
    <label title={chosen?.about}>
      {label}{' '}
      <select value={chosen?.name} onChange={({ target }) => choose(target.value)}>
        {choices.map(({ name, about }) => (
          <option key={name} title={about}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}

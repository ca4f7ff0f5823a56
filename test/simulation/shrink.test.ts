import { describe, expect, it } from 'vitest'
import { shrink } from '../../src/testing/shrink.ts'
import type { Tapes } from '../../src/testing/simulate.ts'

const long = Array.from({ length: 200 }, (_, i) => i + 1)

describe('shrinking', () => {
  it('F4 leaves of each tape what the failure needs, and flattens the rest', async () => {
    const fails = async ({ faults, workload }: Tapes): Promise<boolean> => faults.includes(70) && workload.includes(3)
    const { faults, workload, schedule } = await shrink({ faults: long, workload: long, schedule: long }, fails, 1_000)
    expect(faults.filter((number) => number !== 0)).toEqual([70])
    expect(workload).toEqual([0, 0, 3])
    expect(schedule).toEqual([])
  })

  it('F4 asks no more often than it may', async () => {
    let asked = 0
    const fails = async ({ faults }: Tapes): Promise<boolean> => {
      asked += 1
      return faults.includes(70)
    }
    await shrink({ faults: long, workload: long, schedule: long }, fails, 25)
    expect(asked).toBeGreaterThan(10)
    expect(asked).toBeLessThanOrEqual(25)
  })
})

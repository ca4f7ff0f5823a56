import type { Bug } from './bug.ts'
import { auditing } from './bugs/auditing.ts'
import { basing } from './bugs/basing.ts'
import { checking } from './bugs/checking.ts'
import { deciding } from './bugs/deciding.ts'
import { hearing } from './bugs/hearing.ts'
import { leaving } from './bugs/leaving.ts'
import { migrating } from './bugs/migrating.ts'
import { naming } from './bugs/naming.ts'
import { ordering } from './bugs/ordering.ts'
import { owning } from './bugs/owning.ts'
import { pacing } from './bugs/pacing.ts'
import { parting } from './bugs/parting.ts'
import { pulling } from './bugs/pulling.ts'
import { scheduling } from './bugs/scheduling.ts'
import { sealing } from './bugs/sealing.ts'
import { sending } from './bugs/sending.ts'
import { settling } from './bugs/settling.ts'
import { showing } from './bugs/showing.ts'
import { storing } from './bugs/storing.ts'
import { telling } from './bugs/telling.ts'
import { tearing } from './bugs/tearing.ts'
import { transacting } from './bugs/transacting.ts'
import { validating } from './bugs/validating.ts'
import { waiting } from './bugs/waiting.ts'

/** Mistakes that somebody could make in the engine. Each must be told of by one of the invariants that it names. */
export const BUGS: readonly Bug[] = [
  ...sending,
  ...storing,
  ...ordering,
  ...owning,
  ...pacing,
  ...basing,
  ...deciding,
  ...settling,
  ...tearing,
  ...pulling,
  ...parting,
  ...showing,
  ...validating,
  ...hearing,
  ...telling,
  ...sealing,
  ...transacting,
  ...auditing,
  ...migrating,
  ...checking,
  ...naming,
  ...scheduling,
  ...leaving,
  ...waiting,
]

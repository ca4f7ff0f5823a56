// Crashes one seed after the other at every point, as `crash.mjs` asks, until that hangs up.
import { crashEverywhere } from '../dist/src/testing/crash.js'

process.on('message', ({ seed, options }) => {
  void crashEverywhere(seed, options).then((report) => process.send(report))
})

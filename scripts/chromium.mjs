// Finds a Chromium or Chrome for the browser tests, or gets one. Run by itself it prints the path.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { argv, env, execPath, exit, platform, stderr } from 'node:process'
import { pathToFileURL } from 'node:url'

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome', 'msedge']

const MAC_APPS = ['Chromium.app/Contents/MacOS/Chromium', 'Google Chrome.app/Contents/MacOS/Google Chrome']

const WINDOWS_APPS = [
  'Google\\Chrome\\Application\\chrome.exe',
  'Chromium\\Application\\chrome.exe',
  'Microsoft\\Edge\\Application\\msedge.exe',
]

/** The executable of a Chromium that is installed, or undefined. `SYNCHART_CHROMIUM` names one and is never second-guessed. */
export function findChromium() {
  if (env.SYNCHART_CHROMIUM) return env.SYNCHART_CHROMIUM
  return [...onPath(), ...inUsualPlaces(), ...playwrightDownload()].find(isExecutable)
}

/** Like `findChromium`, but installs one where there is none. */
export function provideChromium() {
  const found = findChromium()
  if (found) return found
  installWithApt()
  const packaged = findChromium()
  if (packaged) return packaged
  installWithPlaywright()
  return findChromium()
}

function onPath() {
  const extension = platform === 'win32' ? '.exe' : ''
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean)
  return COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command + extension)))
}

function inUsualPlaces() {
  if (platform === 'darwin')
    return ['/Applications', join(env.HOME ?? '', 'Applications')].flatMap((root) => MAC_APPS.map((app) => join(root, app)))
  if (platform !== 'win32') return ['/snap/bin/chromium', '/opt/google/chrome/chrome']
  const roots = [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter(Boolean)
  return roots.flatMap((root) => WINDOWS_APPS.map((app) => join(root, app)))
}

function playwrightDownload() {
  try {
    return [createRequire(import.meta.url)('playwright').chromium.executablePath()]
  } catch {
    return []
  }
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function installWithApt() {
  if (platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  stderr.write("No Chromium found: installing the distribution's package with apt-get.\n")
  const quietly = { ...env, DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '-qq'], quietly)
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], quietly)
}

function installWithPlaywright() {
  stderr.write('No Chromium found: downloading one with Playwright.\n')
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright/package.json')), 'cli.js')
  run(execPath, [cli, 'install', 'chromium'], env)
}

function run(command, args, environment) {
  const result = spawnSync(command, args, { env: environment, stdio: ['ignore', 2, 2], timeout: 10 * 60_000 })
  if (result.error) stderr.write(`${command}: ${result.error.message}\n`)
}

if (argv[1] && import.meta.url === pathToFileURL(argv[1]).href) {
  const path = provideChromium()
  if (path) console.log(path)
  else {
    stderr.write('No Chromium or Chrome, and none could be installed. Install one, or name it in SYNCHART_CHROMIUM.\n')
    exit(1)
  }
}

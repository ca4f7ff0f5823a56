/** An application shows another one, which the browser gives no origin, and so neither storage nor locks nor workers. */
const script = await (await fetch('/frame.js')).text()
const frame = document.createElement('iframe')
frame.sandbox.add('allow-scripts')
frame.srcdoc = `<script type="module">${script.replaceAll('</script', '<\\/script')}</script>`
addEventListener('message', ({ data }) => Object.assign(globalThis, { told: data }))
document.body.append(frame)
Object.assign(globalThis, { isReady: true })

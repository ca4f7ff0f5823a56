import type { OpenChannel } from '../../core/channel-port.ts'
import { watchLifecycle } from '../web-lifecycle.ts'

/**
 * A page that is frozen, or kept by the browser to be shown again, hears nothing, and another tab takes over: its line ends at once, or the server
 * would go on feeding it, and what comes in would put the page out of the back/forward cache.
 */
export function whileAwake(open: OpenChannel): OpenChannel {
  return (listener) => {
    let unwatch = (): void => {}
    const connection = open({
      opened: () => listener.opened(),
      message: (data) => listener.message(data),
      closed(info) {
        unwatch()
        listener.closed(info)
      },
    })
    unwatch = watchLifecycle({ suspended: () => connection.close(), resumed: () => {} })
    return connection
  }
}

// Many windows, few streams. A browser opens six connections to a site that speaks HTTP/1.1, and a stream occupies one for
// good: the seventh window would never load. So one window opens the stream of the feed and forwards its events to the
// others, and at most three open a stream of a creation; the rest poll. Other scripts find this as `window.live`.
// Browsers offer locks to https and localhost only. On plain http windows agree by messages, and do not limit creations.

const MAX_CREATION_STREAMS = 3
// Browsers reconnect by themselves, but give up after an error such as the 502 of a proxy while the site restarts.
const REOPEN_SECONDS = 20

// The feed's events for all windows of one viewer. The window that came last opens the stream: it knows by `since` what
// it has missed, and the server sends that too. The others receive its messages; one of them takes over when it is closed
// or hidden.
class FeedStream {
  constructor({ viewer, since, onEvent }) {
    Object.assign(this, { name: `live feed ${viewer}`, since, onEvent, hasCursor: Boolean(since) })
  }

  start() {
    if (this.isOn) return
    this.isOn = true
    this.stopped = new AbortController()
    if (!window.BroadcastChannel) return this.open()
    this.channel = new BroadcastChannel(this.name)
    this.channel.onmessage = ({ data }) => data.kind === "turn" ? this.onTurn(data) : this.receive(data)
    if (navigator.locks) this.holdLock({ steal: this.hasCursor })
    else this.claim()
  }

  stop() {
    this.isOn = false
    if (!navigator.locks && this.stream) this.channel?.postMessage({ kind: "turn", isFree: true })
    this.close()
    this.channel?.close()
    this.stopped?.abort()
    this.release?.()
  }

  // Until `stop`, or until another window steals the lock: then wait for it to come back.
  async holdLock(options) {
    const { signal } = this.stopped
    try {
      await navigator.locks.request(this.name, options, () => new Promise(release => {
        if (signal.aborted) return release()
        this.release = release
        this.open()
      }))
    } catch { /* stolen by another window, or stopped while waiting */ }
    if (signal.aborted) return
    this.close()
    this.holdLock({ signal })
  }

  // Without locks: the window that claimed last has the stream; when it leaves, the first of the others that wakes up.
  // A window without `since` leaves the stream to one that has it: taking over, it would miss what comes in between.
  claim() {
    this.claimedAt = (this.since ? Date.now() : 0) + Math.random()
    this.channel.postMessage({ kind: "turn", claimedAt: this.claimedAt })
    if (!this.stream) this.open()
  }

  onTurn({ claimedAt, isFree }) {
    clearTimeout(this.waking)
    if (isFree) this.waking = setTimeout(() => this.isOn && this.claim(), Math.random() * 500)
    else if (this.stream && claimedAt > this.claimedAt) this.close()
    else if (this.stream) this.channel.postMessage({ kind: "turn", claimedAt: this.claimedAt })
  }

  open() {
    this.stream = new EventSource(this.since ? `/live?since=${this.since}` : "/live")
    for (const kind of ["published", "activity", "unread"]) {
      this.stream.addEventListener(kind, ({ data, lastEventId }) => {
        const message = { kind, since: lastEventId, ...JSON.parse(data) }
        this.receive(message)
        this.channel?.postMessage(message)
      })
    }
    this.stream.addEventListener("error", ({ target }) => {
      if (target.readyState !== EventSource.CLOSED) return
      setTimeout(() => this.stream === target && this.open(), 1000 * REOPEN_SECONDS * (1 + Math.random()))
    })
  }

  close() {
    this.stream?.close()
    this.stream = null
  }

  receive(message) {
    if (!this.isOn) return
    this.since = message.since || this.since
    this.onEvent(message)
  }
}

// Acquire the right to open a stream of one creation. Returns a function that releases it, or null if all are taken.
async function acquireCreationSlot() {
  if (!navigator.locks) return () => {}
  for (let number = 1; number <= MAX_CREATION_STREAMS; number += 1) {
    const release = await new Promise(resolve => navigator.locks.request(
      `live creation ${number}`,
      { ifAvailable: true },
      lock => lock ? new Promise(resolve) : resolve(null),
    ))
    if (release) return release
  }
  return null
}

window.live = { FeedStream, acquireCreationSlot }

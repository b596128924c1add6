// Many windows, few streams. A browser opens six connections to a site that speaks HTTP/1.1, and a stream keeps one for good:
// the seventh window would never load. So one window listens to the wall and passes on what it hears, and no more than
// three listen to a creation of their own; the others ask every few seconds. Other scripts find this as `window.live`.
// Browsers offer locks to https and localhost only. On plain http windows agree by messages, and do not limit creations.

const STREAMS_OF_CREATIONS = 3

// The wall's events for all windows of one viewer. The window that came last listens: it knows what it has missed, by
// `since`, and the server tells that to all. The others attend to it, and one of them goes on when it is closed or hidden.
class Wall {
  constructor({ viewer, since, hear }) {
    Object.assign(this, { name: `live wall ${viewer}`, since, hear, knows: Boolean(since) })
  }

  start() {
    if (this.isOn) return
    this.isOn = true
    this.stopped = new AbortController()
    if (!window.BroadcastChannel) return this.open()
    this.channel = new BroadcastChannel(this.name)
    this.channel.onmessage = ({ data }) => data.kind === "turn" ? this.onTurn(data) : this.take(data)
    if (navigator.locks) this.hold({ steal: this.knows })
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

  // Until `stop`, or until another window takes it: then wait for it to come back.
  async hold(how) {
    const mine = this.stopped
    try {
      await navigator.locks.request(this.name, how, () => new Promise(release => {
        if (mine.signal.aborted) return release()
        this.release = release
        this.open()
      }))
    } catch { /* taken by another window, or stopped while waiting */ }
    if (mine.signal.aborted) return
    this.close()
    this.hold({ signal: mine.signal })
  }

  // Without locks: the window that said so last listens; when it leaves, the first of the others that wakes up.
  claim() {
    this.mine = Date.now() + Math.random()
    this.channel.postMessage({ kind: "turn", mine: this.mine })
    if (!this.stream) this.open()
  }

  onTurn({ mine, isFree }) {
    clearTimeout(this.waking)
    if (isFree) this.waking = setTimeout(() => this.isOn && this.claim(), Math.random() * 500)
    else if (this.stream && mine > this.mine) this.close()
    else if (this.stream) this.channel.postMessage({ kind: "turn", mine: this.mine })
  }

  open() {
    this.stream = new EventSource(this.since ? `/live?since=${this.since}` : "/live")
    for (const kind of ["hung", "painting"]) {
      this.stream.addEventListener(kind, ({ data, lastEventId }) => {
        const told = { kind, since: lastEventId, ...JSON.parse(data) }
        this.take(told)
        this.channel?.postMessage(told)
      })
    }
  }

  close() {
    this.stream?.close()
    this.stream = null
  }

  take(told) {
    if (!this.isOn) return
    this.since = told.since || this.since
    this.hear(told)
  }
}

// Leave to listen to one creation: a function that gives it back, or null if enough windows do so.
async function place() {
  if (!navigator.locks) return () => {}
  for (let number = 1; number <= STREAMS_OF_CREATIONS; number += 1) {
    const release = await new Promise(answer => navigator.locks.request(
      `live creation ${number}`,
      { ifAvailable: true },
      lock => lock ? new Promise(answer) : answer(null),
    ))
    if (release) return release
  }
  return null
}

window.live = { Wall, place }

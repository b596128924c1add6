// Shows how many notifications are unread, in the member's menu and in the title of the window, and updates both while
// the page is open. Without it, each page shows the number of its time.

const badge = document.querySelector("[data-unread]")
const numbers = document.querySelectorAll("[data-unread-count]")
const fresh = document.querySelector("[data-new-notifications]")
const titleOf = /^(?:\(\d+\+?\) )?(.*)$/s
const label = count => count > 99 ? "99+" : String(count)
let unread = Number(badge.dataset.unread)

// Other scripts set the title too, when they show another picture.
function showTitle() {
  const [, plain] = titleOf.exec(document.title)
  const title = unread ? `(${label(unread)}) ${plain}` : plain
  if (title !== document.title) document.title = title
}

function show(count) {
  if (fresh && count > unread) fresh.hidden = false
  unread = count
  badge.hidden = !count
  for (const number of numbers) {
    number.textContent = label(count)
    if (number.parentElement !== badge) number.hidden = !count
  }
  showTitle()
}

new MutationObserver(showTitle).observe(document.querySelector("title"), { childList: true })
show(unread)

// A page that was just loaded knows best: it may have marked notifications as read.
const windows = window.BroadcastChannel && new BroadcastChannel(`unread ${badge.dataset.viewer}`)
if (windows) {
  windows.onmessage = ({ data }) => show(data)
  windows.postMessage(unread)
}

// The same stream as the feed's, which windows share; it stays open in the background, where the title is what one sees.
const stream = new window.live.FeedStream({
  viewer: badge.dataset.viewer,
  onEvent: ({ kind, count }) => { if (kind === "unread") show(count) },
})
addEventListener("pagehide", () => stream.stop())
addEventListener("pageshow", () => stream.start())

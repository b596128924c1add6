// Extends a feed: older pictures at its end as the user scrolls, new ones at its top on a click; and updates the activity
// strip. Without it, the link under the feed leads to the same pictures.

// Pages that load by themselves, and more of them on a screen with many; then the footer can be reached, and the user
// clicks the link.
const AUTO_PAGES = 4, AUTO_SCREENS = 6
const feed = document.querySelector("[data-feed] .feed")
const status = document.querySelector("[data-status]")
const older = document.querySelector("[data-older]")
const activity = document.querySelector("[data-activity]")
const announce = text => { if (status) status.textContent = text }
const countMore = n => ngettext("{n} more picture", "{n} more pictures", n)
const countNew = n => ngettext("{n} new picture", "{n} new pictures", n)

/* Older pictures */
let autoPagesLeft = AUTO_PAGES, pages = 0, busy = false, hasFailed = false

const loadsMore = () => older.isConnected && !hasFailed && (autoPagesLeft > 0 || feed.offsetHeight < AUTO_SCREENS * innerHeight)

// When more pictures arrive, the cards of the last row grow and the footer moves. Until then, they wait unseen.
function hideEnd() {
  const isHidden = loadsMore(), cards = [...feed.children], top = cards.at(-1)?.offsetTop
  document.documentElement.classList.toggle("has-more-pictures", isHidden)
  for (const card of feed.querySelectorAll(".card--waiting")) card.classList.remove("card--waiting")
  if (!isHidden || cards[0]?.offsetTop === top) return
  for (const card of cards.reverse()) {
    if (card.offsetTop !== top) break
    card.classList.add("card--waiting")
  }
}

async function loadOlder() {
  if (busy || !older.isConnected) return []
  busy = true
  try {
    const response = await fetch(older.href)
    if (!response.ok) throw new Error(response.status)
    const next = new DOMParser().parseFromString(await response.text(), "text/html")
    const cards = [...next.querySelectorAll("[data-feed] .card")].filter(card => !document.getElementById(card.id))
    feed.append(...cards)
    const href = next.querySelector("[data-older]")?.href
    if (href) older.href = href
    else older.remove()
    pages += 1
    announce(cards.length ? countMore(cards.length) : gettext("That was the last picture."))
    return cards
  } finally { busy = false }
}

if (older && feed) {
  new ResizeObserver(hideEnd).observe(feed)
  new MutationObserver(hideEnd).observe(feed, { childList: true })
  const watch = new IntersectionObserver(async ([seen]) => {
    if (!seen.isIntersecting || !loadsMore()) return
    autoPagesLeft -= 1
    // The new cards may not fill the screen: observe again.
    try { await loadOlder(); watch.unobserve(older); if (older.isConnected) watch.observe(older) } catch { hasFailed = true; hideEnd() }
  }, { rootMargin: "100%" })
  older.addEventListener("click", async event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    try {
      const [first] = await loadOlder()
      autoPagesLeft = AUTO_PAGES
      hasFailed = false
      hideEnd()
      first?.querySelector("a").focus({ preventScroll: true })
    } catch { location.assign(older.href) }
  })
  // Back from a picture: as many pages as there were, and to the same place.
  const before = history.state?.pages ? history.state : null
  const save = () => history.replaceState({ pages, y: scrollY }, "")
  addEventListener("pagehide", save)
  // viewer.js and shortcuts.js ask for both: before the address changes, and at the end of the feed.
  addEventListener("feed:save", save)
  addEventListener("feed:more", () => loadOlder().catch(() => {}))
  const restore = async () => {
    try { while (pages < Math.min(before.pages, 20) && older.isConnected) await loadOlder() } catch { /* the link is there */ }
    scrollTo(0, before.y)
  }
  if (before) restore().then(() => watch.observe(older))
  else watch.observe(older)
}

/* New pictures and the activity strip */
const newPictures = document.querySelector("[data-new-pictures]")
const newCards = new Map()

function showNewCards() {
  const cards = [...newCards.values()].reverse().filter(card => !document.getElementById(card.id))
  newCards.clear()
  newPictures.hidden = true
  feed.prepend(...cards)
  announce(countNew(cards.length))
  cards[0]?.scrollIntoView({ block: "center" })
  cards[0]?.querySelector("a").focus({ preventScroll: true })
}

function onPublished({ id, html }) {
  if (document.getElementById(`c${id}`) || newCards.has(id)) return
  const holder = document.createElement("template")
  holder.innerHTML = html
  newCards.set(id, holder.content.querySelector(".card"))
  newPictures.firstElementChild.textContent = countNew(newCards.size)
  if (newPictures.hidden) announce(countNew(newCards.size))
  newPictures.hidden = false
}

// Not while the user points at it. The first event mostly says what the page shows already.
let shownActivity = activity?.innerHTML.trim()
function showActivity(html) {
  if (html.trim() === shownActivity || activity.matches(":hover, :focus-within")) return
  activity.innerHTML = shownActivity = html.trim()
}

// Cards differ between viewers: windows from before and after a sign-in do not share a stream.
const viewer = document.querySelector("[data-viewer]")?.dataset.viewer ?? ""
const since = activity?.dataset.since
const live = activity && new window.live.FeedStream({ viewer, since, onEvent: event => {
  if (event.kind === "published") since && newPictures && onPublished(event)
  else if (event.kind === "activity") showActivity(event.html)
} })
const listen = () => document.hidden || live.start()

if (activity) {
  newPictures?.firstElementChild.addEventListener("click", showNewCards)
  document.addEventListener("visibilitychange", () => document.hidden ? live.stop() : listen())
  addEventListener("pagehide", () => live.stop())
  addEventListener("pageshow", listen)
}

// Lets a wall grow: older pictures at its end as one scrolls, new ones at its top when one asks; and keeps the strip of
// what is painted now. Without it the link under the wall leads to the same pictures.

const AT_ONCE = 4 // pages that come by themselves; then the footer can be reached, and the link is pressed
const wall = document.querySelector("[data-wall] .wall")
const told = document.querySelector("[data-told]")
const older = document.querySelector("[data-older]")
const easel = document.querySelector("[data-easel]")
const say = words => { if (told) told.textContent = words }
const counted = (n, kind) => `${n} ${kind} ${n === 1 ? "picture" : "pictures"}`

/* Older pictures */
let left = AT_ONCE, pages = 0, busy = false

async function more() {
  if (busy || !older.isConnected) return []
  busy = true
  try {
    const answer = await fetch(older.href)
    if (!answer.ok) throw new Error(answer.status)
    const next = new DOMParser().parseFromString(await answer.text(), "text/html")
    const cards = [...next.querySelectorAll("[data-wall] .card")].filter(card => !document.getElementById(card.id))
    wall.append(...cards)
    const href = next.querySelector("[data-older]")?.href
    if (href) older.href = href
    else older.remove()
    pages += 1
    say(cards.length ? counted(cards.length, "more") : "That was the last picture")
    return cards
  } finally { busy = false }
}

if (older && wall) {
  const watch = new IntersectionObserver(async ([seen]) => {
    if (!seen.isIntersecting || left <= 0) return
    left -= 1
    // What came may not fill the screen: look again.
    try { await more(); watch.unobserve(older); if (older.isConnected) watch.observe(older) } catch { left = 0 }
  }, { rootMargin: "1500px" })
  older.addEventListener("click", async event => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    try {
      const [first] = await more()
      left = AT_ONCE
      first?.querySelector("a").focus({ preventScroll: true })
    } catch { location.assign(older.href) }
  })
  // Back from a picture: as many pages as there were, and to the same place.
  const before = history.state?.pages ? history.state : null
  addEventListener("pagehide", () => history.replaceState({ pages, y: scrollY }, ""))
  const again = async () => {
    try { while (pages < Math.min(before.pages, 20) && older.isConnected) await more() } catch { /* the link is there */ }
    scrollTo(0, before.y)
  }
  if (before) again().then(() => watch.observe(older))
  else watch.observe(older)
}

/* What happens now */
const news = document.querySelector("[data-news]")
const fresh = new Map()

function hang() {
  const cards = [...fresh.values()].reverse().filter(card => !document.getElementById(card.id))
  fresh.clear()
  news.hidden = true
  wall.prepend(...cards)
  say(counted(cards.length, "new"))
  cards[0]?.scrollIntoView({ block: "center" })
  cards[0]?.querySelector("a").focus({ preventScroll: true })
}

function onHung({ id, html }) {
  if (document.getElementById(`c${id}`) || fresh.has(id)) return
  const holder = document.createElement("template")
  holder.innerHTML = html
  fresh.set(id, holder.content.querySelector(".card"))
  news.firstElementChild.textContent = counted(fresh.size, "new")
  if (news.hidden) say(counted(fresh.size, "new"))
  news.hidden = false
}

// Cards differ between viewers: a window that was opened before somebody signed in hears of its own kind.
const viewer = document.querySelector(".member [href^='/@']")?.pathname ?? ""
const since = easel?.dataset.since
const live = easel && new window.live.Wall({ viewer, since, hear: told => {
  if (told.kind === "hung") since && news && onHung(told)
  // Not under somebody's finger.
  else if (!easel.matches(":hover, :focus-within")) easel.innerHTML = told.html
} })
const listen = () => document.hidden || live.start()

if (easel) {
  news?.firstElementChild.addEventListener("click", hang)
  document.addEventListener("visibilitychange", () => document.hidden ? live.stop() : listen())
  addEventListener("pagehide", () => live.stop())
  addEventListener("pageshow", listen)
}

// Shows who a person is when the pointer rests on their name, or at a click on the dots beside it, with buttons to follow
// and to mute them. Without it, names and dots lead to the person's page, which has the same buttons.

const DELAY = 400, GRACE = 250 // milliseconds
const MARGIN = 8 // pixels
const PERSON = /^\/@[^/]+$/
const card = Object.assign(document.createElement("div"), { className: "person-card", hidden: true })
card.setAttribute("role", "dialog")
let anchor, timer

const linkOf = event => {
  const link = event.target.closest?.("a.author, a[data-person-card]")
  return link && PERSON.test(link.pathname) && !card.contains(link) ? link : null
}

function hide() {
  clearTimeout(timer)
  card.hidden = true
  anchor = null
}

async function show(link, isAsked) {
  anchor = link
  const response = await fetch(`${link.pathname}/card`).catch(() => null)
  if (anchor !== link) return
  if (!response?.ok) return isAsked && location.assign(link.href)
  card.innerHTML = await response.text()
  card.setAttribute("aria-label", card.querySelector(".person-card__name").textContent)
  ;(link.closest("dialog") ?? document.body).append(card)
  card.hidden = false
  place(link)
  if (isAsked) card.querySelector("button, a").focus()
}

// Below the name, or above if there is no room.
function place(link) {
  const box = link.getBoundingClientRect()
  const left = Math.min(box.left, document.documentElement.clientWidth - card.offsetWidth - MARGIN)
  const isBelow = box.bottom + card.offsetHeight + MARGIN < innerHeight
  card.style.left = `${Math.max(MARGIN, left)}px`
  card.style.top = `${isBelow ? box.bottom : box.top - card.offsetHeight}px`
}

if (matchMedia("(hover: hover)").matches) {
  addEventListener("pointerover", event => {
    const link = linkOf(event)
    if (link === anchor && link || card.contains(event.target)) return clearTimeout(timer)
    clearTimeout(timer)
    if (link) timer = setTimeout(() => show(link), DELAY)
    else if (!card.hidden && !card.contains(document.activeElement)) timer = setTimeout(hide, GRACE)
  })
}
addEventListener("click", event => {
  const link = linkOf(event)
  if (!link?.matches("[data-person-card]") || event.ctrlKey || event.metaKey || event.shiftKey) {
    if (!card.hidden && !card.contains(event.target)) hide()
    return
  }
  event.preventDefault()
  if (anchor === link && !card.hidden) hide()
  else show(link, true)
})
addEventListener("keydown", event => {
  if (event.key !== "Escape" || card.hidden) return
  event.preventDefault()
  event.stopPropagation()
  anchor?.focus()
  hide()
}, true)
addEventListener("scroll", () => card.contains(document.activeElement) || hide(), { passive: true, capture: true })

// Mutes without leaving the page: the pictures of that person leave it, and come back with Undo.
addEventListener("submit", async event => {
  const path = new URL(event.target.action, location.href).pathname
  if (event.defaultPrevented || !card.contains(event.target) || !/\/(un)?mute$/.test(path)) return
  event.preventDefault()
  const body = new FormData(event.target)
  hide()
  await mute(path, body)
}, true)

async function mute(path, body) {
  const response = await fetch(path, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null)
  if (!response?.ok) return dispatchEvent(new CustomEvent("toast", { detail: gettext("That did not work. Try again in a moment.") }))
  const { on, words, path: person } = await response.json()
  for (const picture of document.querySelectorAll(".feed > .card")) {
    if (picture.querySelector("a.author")?.pathname === person) picture.hidden = on
  }
  const undo = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: gettext("Undo") })
  undo.addEventListener("click", () => mute(`${person}/${on ? "un" : ""}mute`, body))
  const detail = document.createElement("span")
  detail.className = "toast__undo"
  detail.append(words, undo)
  dispatchEvent(new CustomEvent("toast", { detail }))
}

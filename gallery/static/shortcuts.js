// Keys and swipes on all pages. They press what is on the page: `data-walk` ("next", "previous") and, in the creation at
// hand (`data-creation`), `data-action` ("like", "remix", "copy", "board"). A dialog on top hides the rest from them.
// Also loads other pages for scripts that show a part of them, as `window.pages`.

const WALKS = { j: "next", ArrowRight: "next", k: "previous", ArrowLeft: "previous" }
const ACTIONS = { l: "like", r: "remix", c: "copy", b: "board" }
const TYPING = "input, textarea, select, [contenteditable]"
const STORED = "single keys" // "off": letters and signs do nothing
const HELP = "/shortcuts"
// Pixels. A shorter move of the finger is a tap; one from the edge is the browser's own gesture.
const MIN_SWIPE = 60, EDGE = 24

/* Other pages */
const wait = (element, event) => new Promise(resolve => element.addEventListener(event, resolve))

// Resolves with the page as a document, once this page has its styles and scripts. Rejects if the server does not answer.
async function load(address) {
  const response = await fetch(address, { headers: { Accept: "text/html" } })
  if (response.status >= 500) throw new Error(response.status)
  const page = new DOMParser().parseFromString(await response.text(), "text/html")
  const missing = [...page.querySelectorAll("head link[rel=stylesheet]")].map(link => link.getAttribute("href"))
    .filter(href => !document.querySelector(`link[rel=stylesheet][href="${href}"]`))
  const links = missing.map(href => Object.assign(document.createElement("link"), { rel: "stylesheet", href }))
  const styled = links.map(link => Promise.race([wait(link, "load"), wait(link, "error")]))
  document.head.append(...links)
  const scripts = [...page.querySelectorAll("head script[type=module]")].map(script => import(script.getAttribute("src")))
  await Promise.all([...styled, ...scripts])
  return page
}
window.pages = { load }

/* What is on top */
const topDialog = () => document.activeElement?.closest("dialog[open]") ?? [...document.querySelectorAll("dialog[open]")].at(-1)
const isShown = element => element.checkVisibility?.() ?? true

const findStep = direction => [...(topDialog() ?? document).querySelectorAll(`[data-walk="${direction}"]`)].find(isShown)

function walk(direction, isRepeated) {
  const step = findStep(direction)
  if (!step) return !topDialog() && focusCard(direction)
  if (!(isRepeated && step.href)) step.click()
  return true
}

function act(action) {
  const dialog = topDialog(), focused = document.activeElement?.closest("[data-creation]")
  const creation = focused ?? (dialog ?? document).querySelector(dialog ? "[data-creation]" : "article[data-creation]")
  const control = creation?.querySelector(`[data-action="${action}"]`)
  control?.click()
  return Boolean(control)
}

/* Feeds: the focus moves from card to card. */
const cards = () => [...document.querySelectorAll(".feed .card")]
const isInView = card => card.getBoundingClientRect().bottom > 0

function focusCard(direction) {
  const all = cards(), at = all.findIndex(card => card.contains(document.activeElement))
  const next = at < 0 ? all.find(isInView) : all[at + (direction === "next" ? 1 : -1)]
  if (!next && at === all.length - 1) dispatchEvent(new Event("feed:more"))
  next?.querySelector(".label__title a")?.focus()
  return Boolean(next)
}

function search() {
  const field = [...document.querySelectorAll("input[type=search]")].find(isShown)
  if (field) field.select()
  else document.querySelector(".masthead__search")?.click()
  return true
}

/* The list of shortcuts, in a dialog */
const areSingleKeysOn = () => localStorage.getItem(STORED) !== "off"
let sheet

async function showHelp() {
  if (sheet?.open) return
  try { sheet ??= await makeSheet() } catch { return location.assign(HELP) }
  document.body.append(sheet) // the last dialog is on top
  sheet.showModal()
}

async function makeSheet() {
  const list = document.importNode((await load(HELP)).querySelector(".shortcuts"), true)
  list.querySelector("form").hidden = false
  const dialog = Object.assign(document.createElement("dialog"), { className: "sheet" })
  dialog.setAttribute("aria-labelledby", "shortcuts-title")
  dialog.append(list)
  prepareSwitch(dialog)
  return dialog
}

function prepareSwitch(root) {
  const box = root.querySelector("[data-single-keys]")
  if (!box) return
  box.checked = areSingleKeysOn()
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"))
}
prepareSwitch(document)

addEventListener("click", event => {
  if (!event.target.closest?.("[data-shortcuts]") || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  showHelp()
})

/* Keys. Letters and signs can be turned off, because people who speak to their device type them by accident. */
function press({ key, target, repeat }) {
  // Elsewhere on a feed, arrows belong to the browser.
  if (key.startsWith("Arrow") && !target.closest(".card") && !findStep(WALKS[key])) return false
  if (!key.startsWith("Arrow") && !areSingleKeysOn()) return false
  if (WALKS[key]) return walk(WALKS[key], repeat)
  if (repeat) return false
  if (ACTIONS[key]) return act(ACTIONS[key])
  if (key === "/" && !topDialog()) return search()
  if (key === "?") showHelp()
  return key === "?"
}

addEventListener("keydown", event => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  if (!(event.target instanceof Element) || event.target.closest(TYPING)) return
  if (press(event)) event.preventDefault()
})

/* Swipes over a picture */
let start

const scrollsSideways = element => element && (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "visible" || scrollsSideways(element.parentElement))
const isAtEdge = x => x < EDGE || x > innerWidth - EDGE

function canSwipe({ touches, target }) {
  if (touches.length !== 1 || (visualViewport?.scale ?? 1) > 1.01 || isAtEdge(touches[0].clientX)) return false
  return target.closest(".creation, .viewer, .zoom") && !target.closest(TYPING) && !scrollsSideways(target)
}

addEventListener("touchstart", event => { start = canSwipe(event) ? event.touches[0] : null }, { passive: true })
addEventListener("touchend", ({ changedTouches: [end] }) => {
  const [x, y] = start ? [end.clientX - start.clientX, end.clientY - start.clientY] : [0, 0]
  start = null
  if (Math.abs(x) >= MIN_SWIPE && Math.abs(x) > 2 * Math.abs(y)) walk(x < 0 ? "next" : "previous")
}, { passive: true })

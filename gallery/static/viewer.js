// Opens a creation over its feed: a dialog with the page of the creation, under the address of that page. Back closes it,
// and the feed is where it was. Without it, cards lead to the same pages.
// To extend the feed it sends the event `feed:more`; before the address changes, `feed:save`.

const WAIT_FOR_MORE = 10000 // milliseconds until it gives up on more cards
const NEAR_END = 12 // cards left when it asks for more: the last row of a feed that goes on is not shown
const TEXT = {
  first: gettext("That was the first picture."), last: gettext("That was the last picture."),
  failed: gettext("The picture could not be loaded. Try again."),
}
const step = (name, label) => `<button class="walk__step walk__step--${name}" type="button" data-walk="${name}"><span class="walk__label">${label}</span></button>`
const TEMPLATE = `<nav class="walk" aria-label="${gettext("Other pictures")}">${step("previous", gettext("Previous"))}
<form class="viewer__close" method="dialog"><button class="button" aria-label="${gettext("Close")}">✕</button></form>
${step("next", gettext("Next"))}</nav>
<div class="viewer__page" tabindex="-1"></div><p class="visually-hidden" role="status"></p>`
const dialog = Object.assign(document.createElement("dialog"), { className: "viewer", innerHTML: TEMPLATE })
dialog.setAttribute("aria-label", gettext("Picture"))
const stage = dialog.querySelector(".viewer__page"), status = dialog.querySelector("[role=status]")
const steps = Object.fromEntries([...dialog.querySelectorAll("[data-walk]")].map(button => [button.dataset.walk, button]))
const loaded = new Map() // by path: a page, or the promise of one
let current, home, isLeaving = false

const here = () => location.pathname + location.search
const pathOf = card => `/c/${card.id.slice(1)}`
const linkOf = card => card.querySelector(".label__title a")
const findCard = path => document.getElementById(`c${path.slice(3)}`)
const asCard = element => element?.matches(".card") ? element : null
const neighbors = card => [asCard(card.previousElementSibling), asCard(card.nextElementSibling)]

/* Pages of creations. Importing their elements loads their pictures, so a neighbor is there at once. */
function load(path, query = "") {
  if (!loaded.has(path)) {
    const page = fetchPage(`${path}?${query}in=${encodeURIComponent(home.path)}`)
    loaded.set(path, page)
    page.then(content => loaded.get(path) === page && loaded.set(path, content), () => loaded.delete(path))
  }
  return loaded.get(path)
}

async function fetchPage(address) {
  const page = await window.pages.load(address)
  return { title: page.title, nodes: [...document.importNode(page.querySelector("main"), true).children] }
}

function preloadNeighbors() {
  const near = [current, ...neighbors(current)].filter(Boolean)
  const paths = new Set(near.map(pathOf))
  for (const path of loaded.keys()) if (!paths.has(path)) loaded.delete(path)
  if (!navigator.connection?.saveData) for (const path of paths) Promise.resolve(load(path)).catch(() => {})
  const left = document.querySelectorAll(`#${current.id} ~ .card`).length
  if (left < NEAR_END && document.querySelector("[data-older]")) dispatchEvent(new Event("feed:more"))
}

/* Show one */
// The small picture of the card stands for the page until it arrives.
function showCard(card) {
  const [page, pictures, label, title] = ["article", "div", "div", "h1"].map(name => document.createElement(name))
  const frame = card.querySelector(".frame").cloneNode(true)
  page.className = "creation"
  pictures.className = `creation__pictures viewer__waiting ${[...card.classList].find(name => name.startsWith("ratio-")) ?? ""}`
  label.className = "label label--full"
  title.className = "label__title"
  title.textContent = linkOf(card).textContent
  frame.classList.add("frame--large")
  pictures.append(frame)
  label.append(title)
  page.append(pictures, label)
  stage.replaceChildren(page)
}

async function show(card, page = load(pathOf(card))) {
  current = card
  updateSteps()
  if (page instanceof Promise) showCard(card)
  try { page = await page } catch { return current === card && say(TEXT.failed) }
  if (current !== card || !dialog.open) return
  stage.replaceChildren(...page.nodes)
  stage.scrollTop = 0
  if (!dialog.contains(document.activeElement)) stage.focus() // it was on what is gone
  document.title = page.title
  status.textContent = linkOf(card).textContent
  dispatchEvent(new Event("content"))
  preloadNeighbors()
}

const say = text => dispatchEvent(new CustomEvent("toast", { detail: text }))

function updateSteps() {
  const [previous, next] = neighbors(current)
  steps.previous.setAttribute("aria-disabled", !previous && !home.path.includes("cursor="))
  steps.next.setAttribute("aria-disabled", !next && !document.querySelector(".pages a[rel=next]"))
}

/* Walk */
async function go(direction) {
  const from = current, next = direction === "next"
  const card = neighbors(from)[next ? 1 : 0] ?? (next ? await loadMore(from) : null)
  if (current !== from || !dialog.open) return
  if (!card) return leaveOrStay(direction)
  history.replaceState(history.state, "", pathOf(card))
  show(card)
}

// Pages without feed.js, and those that are not the first, know only their own cards; the server knows the others.
function leaveOrStay(direction) {
  const next = direction === "next", link = stage.querySelector(`.walk [data-walk="${direction}"]`)
  const hasMore = next ? document.querySelector(".pages a[rel=next]") : home.path.includes("cursor=")
  if (hasMore && link) location.assign(link.href)
  else say(next ? TEXT.last : TEXT.first)
}

// Resolves with the card after the last one; with null if there is none.
function loadMore(last) {
  if (!document.querySelector("[data-older]")) return null
  return new Promise(resolve => {
    const end = () => { watch.disconnect(); resolve(neighbors(last)[1]) }
    const watch = new MutationObserver(() => neighbors(last)[1] && end())
    watch.observe(last.parentElement, { childList: true })
    setTimeout(end, WAIT_FOR_MORE)
    dispatchEvent(new Event("feed:more"))
  })
}

/* Open and close */
function open(card) {
  home = { path: here(), title: document.title }
  dispatchEvent(new Event("feed:save"))
  history.pushState({ viewer: true }, "", pathOf(card))
  reopen(card)
}

function reopen(card) {
  if (!dialog.open) dialog.showModal()
  stage.focus()
  if (card !== current || !stage.firstChild) show(card)
}

function returnToCard() {
  const box = current.getBoundingClientRect()
  if (box.bottom < 0 || box.top > innerHeight) current.scrollIntoView({ block: "center" })
  linkOf(current).focus({ preventScroll: true })
}

function onClose() {
  stage.replaceChildren()
  loaded.clear()
  document.title = home.title
  isLeaving = here() !== home.path
  if (isLeaving) history.back()
  returnToCard()
}

function onPopState() {
  if (!home) return
  if (here() === home.path) {
    isLeaving = false
    if (dialog.open) dialog.close()
    // The browser scrolls back to where the feed was, perhaps away from the card, if the user did not go on meanwhile.
    else requestAnimationFrame(() => requestAnimationFrame(() => linkOf(current) === document.activeElement && returnToCard()))
    return
  }
  const card = findCard(location.pathname)
  if (!card) location.reload()
  else if (dialog.open || !isLeaving) reopen(card)
  else history.back() // past the places in the page that was closed
}

const isPlain = event => !event.defaultPrevented && !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey

function onClick(event) {
  const card = event.target.closest?.(".feed .card"), link = event.target.closest?.("a")
  // A card also links to its author, and to the creation that it is a remix of.
  if (!card || !isPlain(event) || link?.getAttribute("href") !== pathOf(card)) return
  event.preventDefault()
  open(card)
}

function onClickInside(event) {
  const step = event.target.closest("[data-walk]"), link = event.target.closest("a[href]")
  if (step && step.parentElement.parentElement === dialog) return go(step.dataset.walk)
  if (!isPlain(event) || link?.getAttribute("href") !== `${pathOf(current)}?show=1`) return
  event.preventDefault() // the picture is sensitive, and was asked for
  loaded.delete(pathOf(current))
  show(current, load(pathOf(current), "show=1&"))
}

if (document.querySelector(".feed")) {
  document.body.append(dialog)
  addEventListener("click", onClick)
  addEventListener("popstate", onPopState)
  dialog.addEventListener("click", onClickInside)
  dialog.addEventListener("close", onClose)
}

// Cards: the actions of the one that is pointed at or focused, the same as a list for fingers, and the size of all cards.
// Without it, hearts and links work, and the other actions are on the page of the creation.

const CARD = ".card[data-creation]"
const toast = detail => dispatchEvent(new CustomEvent("toast", { detail }))
const cardOf = element => element.closest?.(CARD)

/* One toolbar moves from card to card, so that pages stay small. With the heart it is one tab stop; arrow keys move in it. */
const toolsTemplate = document.querySelector("[data-card-tools]")
let tools

function fillTools(id) {
  const filled = toolsTemplate.content.cloneNode(true).querySelector(".tools")
  for (const item of filled.querySelectorAll("[data-href]")) item.href = item.dataset.href.replace("_", id)
  for (const item of filled.querySelectorAll("[data-post]")) item.dataset.post = item.dataset.post.replace("_", id)
  return filled
}

function showTools(card) {
  if (!card || tools?.parentElement?.closest(CARD) === card || tools?.contains(document.activeElement)) return
  tools?.remove()
  tools = fillTools(card.dataset.creation)
  const actions = card.querySelector(".card__actions")
  actions.append(tools)
  actions.setAttribute("role", "toolbar")
  actions.setAttribute("aria-label", tools.getAttribute("aria-label"))
  const [first, ...others] = actions.querySelectorAll("a, button:not(.card__more)")
  first.removeAttribute("tabindex")
  for (const item of others) item.tabIndex = -1
}

if (toolsTemplate && matchMedia("(hover: hover)").matches) {
  document.addEventListener("pointerover", event => showTools(cardOf(event.target)))
  document.addEventListener("focusin", event => showTools(cardOf(event.target)))
}

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }
document.addEventListener("keydown", event => {
  const actions = event.target.closest?.(".card__actions")
  const step = STEPS[event.key] * (getComputedStyle(event.target).direction === "rtl" ? -1 : 1)
  if (!actions || !step) return
  event.preventDefault()
  event.stopPropagation()
  const items = [...actions.querySelectorAll("a, button")].filter(item => item.offsetParent)
  items[(items.indexOf(event.target) + step + items.length) % items.length].focus()
})

/* The list for fingers */
function openSheet(card) {
  const sheet = document.querySelector("[data-card-sheet]").content.cloneNode(true).querySelector("dialog")
  const title = card.querySelector(".label__title a"), heart = card.querySelector(".card__like")?.cloneNode(true)
  sheet.dataset.creation = card.dataset.creation
  const heading = sheet.querySelector(".label__title")
  heading.textContent = title.textContent
  const list = fillTools(card.dataset.creation)
  if (heart) {
    heart.className = "tools__item tools__like"
    heart.replaceChildren(Object.assign(document.createElement("span"), { textContent: heart.getAttribute("aria-label") }))
    list.prepend(heart)
  }
  sheet.querySelector("[data-sheet-tools]").append(list)
  document.body.append(sheet)
  sheet.addEventListener("close", () => sheet.remove())
  // A tap beside the list, or on one of its items, closes it.
  sheet.addEventListener("click", event => (event.target === sheet || event.target.closest(".tools__item")) && setTimeout(() => sheet.close()))
  sheet.showModal()
}

document.addEventListener("click", event => {
  const more = event.target.closest(".card__more")
  if (more) openSheet(cardOf(more))
})

/* Copy, and run again */
document.addEventListener("click", async event => {
  const item = event.target.closest(".tools [data-action]")
  const creation = item?.closest("[data-creation]")?.dataset.creation
  if (item?.dataset.action === "copy") copyPrompt(creation)
  else if (item?.dataset.post) runAgain(item)
})

async function copyPrompt(creation) {
  try {
    const card = document.getElementById(`c${creation}`), title = card?.querySelector(".label__title a").textContent
    await navigator.clipboard.writeText(!title || title.endsWith("…") ? await loadPrompt(creation) : title)
    toast(gettext("Prompt copied."))
  } catch { toast(gettext("Your browser does not let this page copy the prompt.")) }
}

// A card holds the first words of a long prompt.
async function loadPrompt(creation) {
  const response = await fetch(`/api/creations/${creation}`)
  if (!response.ok) throw new Error(response.status)
  return (await response.json()).prompt
}

const newKey = () => [...crypto.getRandomValues(new Uint32Array(4))].map(number => number.toString(36)).join("")

function linkTo(url) {
  const words = Object.assign(document.createElement("span"), { textContent: `${gettext("Painting again, with a new seed.")} ` })
  words.append(Object.assign(document.createElement("a"), { href: url, textContent: gettext("View") }))
  return words
}

async function runAgain(item) {
  if (item.disabled) return
  item.disabled = true
  const body = new FormData(document.getElementById("likes"))
  body.append("idempotency_key", item.dataset.key ??= newKey())
  try {
    const response = await fetch(item.dataset.post, { method: "POST", body, headers: { Accept: "application/json" } })
    if (response.status === 401) return location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`)
    const { url, errors } = await response.json()
    if (response.ok) delete item.dataset.key
    toast(response.ok ? linkTo(url) : Object.values(errors ?? {})[0] ?? gettext("That did not work. Try again in a moment."))
  } catch { toast(gettext("No connection. Try again.")) } finally { item.disabled = false }
}

/* The size of the cards. The card at the top of the screen stays there. */
document.addEventListener("submit", event => {
  if (!event.target.matches("[data-switch-density]")) return
  event.preventDefault()
  const value = event.submitter.value
  const cards = [...document.querySelectorAll(CARD)]
  const anchor = cards.find(card => card.getBoundingClientRect().bottom > 0)
  const before = anchor?.getBoundingClientRect().top
  document.documentElement.dataset.density = value
  document.cookie = `density=${value}; path=/; max-age=${value ? 31536000 : 0}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`
  for (const button of event.target.querySelectorAll("button")) button.setAttribute("aria-pressed", button.value === value)
  if (scrollY > 0 && anchor) scrollBy(0, anchor.getBoundingClientRect().top - before)
})

// Sends likes and follows without leaving the page, and moves the comment form to the comment that it replies to.
// Knows no page: it handles any button that posts to .../like, /unlike, /follow or /unfollow. The button changes at once;
// if the request fails, it changes back and a message says why.

const TOGGLE_PATH = /^(\/c\/\d+|\/@[^/]+)\/(un)?(like|follow)$/
const inFlight = new Set()

const announce = text => {
  const region = document.getElementById("live-status") ?? Object.assign(document.createElement("p"), { id: "live-status", className: "visually-hidden" })
  region.setAttribute("role", "status")
  ;([...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body).append(region)
  setTimeout(() => { region.textContent = text }, 50)
}

const findButtons = url => [...document.querySelectorAll("button")].filter(button => pathOf(button) === url)
const pathOf = button => button?.form && new URL(button.hasAttribute("formaction") ? button.formAction : button.form.action, location.href).pathname

// One creation or user may have several buttons on a page: all of them show the state.
function show(button, pressed, path, kind) {
  const next = `${path}/${pressed ? "un" : ""}${kind}`
  if (button.hasAttribute("formaction")) button.setAttribute("formaction", next)
  else button.form.setAttribute("action", next)
  button.setAttribute("aria-pressed", pressed)
  button.classList.toggle("is-new", pressed)
  const label = button.querySelector("[data-labels]")
  if (label) label.textContent = label.dataset.labels.split("|")[Number(pressed)]
}

const ERROR_MESSAGES = {
  403: gettext("This page is out of date. Reload it, then try again."),
  404: gettext("This is gone."),
  410: gettext("This is gone."),
  429: gettext("Too fast. Wait a moment, then try again."),
}
const warn = text => dispatchEvent(new CustomEvent("toast", { detail: text }))
const shortNumber = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 })
function setCount(number, count) {
  number.dataset.count = count
  number.textContent = count ? shortNumber.format(count) : ""
}
const findCounts = buttons => buttons.flatMap(button => [...button.querySelectorAll("[data-count]")])

async function press(form, url, [, path, un, kind]) {
  const buttons = [...findButtons(`${path}/${kind}`), ...findButtons(`${path}/un${kind}`)]
  const body = new FormData(form), before = findCounts(buttons).map(number => Number(number.dataset.count))
  for (const button of buttons) show(button, !un, path, kind)
  for (const number of findCounts(buttons)) setCount(number, Math.max(0, Number(number.dataset.count) + (un ? -1 : 1)))
  const failure = await send(url, body, buttons, path, kind)
  if (failure === undefined) return
  for (const button of buttons) show(button, Boolean(un), path, kind)
  findCounts(buttons).forEach((number, place) => setCount(number, before[place]))
  if (failure) warn(failure)
}

// Returns why it failed; undefined if it did not.
async function send(url, body, buttons, path, kind) {
  let response
  try {
    response = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } })
    if (response.ok) return confirm(await response.json(), buttons, path, kind)
  } catch { return gettext("No connection. Try again.") }
  // After the sign-in it takes effect.
  if (response.status === 401) return location.assign(`/sign-in?next=${encodeURIComponent(url)}`) ?? ""
  return ERROR_MESSAGES[response.status] ?? gettext("That did not work. Try again in a moment.")
}

function confirm({ on, count, words }, buttons, path, kind) {
  for (const button of buttons) show(button, on, path, kind)
  const counts = kind === "like" ? `[data-likes="${path.slice(3)}"]` : `[data-count-of="${CSS.escape(path)}"]`
  for (const one of document.querySelectorAll(counts)) one.textContent = words
  for (const number of findCounts(buttons)) setCount(number, count)
  const done = kind === "like" ? (on ? gettext("Liked.") : gettext("Like removed.")) : on ? gettext("Following.") : gettext("Unfollowed.")
  announce(`${done} ${words}.`)
}

addEventListener("submit", async event => {
  const button = event.submitter, form = event.target
  if (event.defaultPrevented) return
  const url = pathOf(button), found = url && TOGGLE_PATH.exec(url)
  if (!found) return preventSecondSubmit(event)
  event.preventDefault()
  if (inFlight.has(found[1])) return
  inFlight.add(found[1])
  try { await press(form, url, found) } finally { inFlight.delete(found[1]) }
})

// Ignores a second click while the first request is in flight.
function preventSecondSubmit(event) {
  const form = event.target
  if (!("singleSubmit" in form.dataset)) return
  if (form.dataset.sent) event.preventDefault()
  form.dataset.sent = "yes"
  setTimeout(() => { delete form.dataset.sent }, 5000)
}
addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach(form => delete form.dataset.sent))

// Moves the page's only comment form under the comment that it replies to, and back.
addEventListener("click", event => {
  const link = event.target.closest("[data-reply]"), form = document.getElementById("comment-form")
  if (!link || !form?.elements.text || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  moveForm(form, link.closest(".comment"), link.dataset.reply, link.dataset.name)
})

function moveForm(form, comment, id, name) {
  const label = form.querySelector("label")
  form.querySelector(".comment-form__parent")?.remove()
  form.elements.parent.value = id
  label.textContent = id ? gettext("Reply to {name}", { name }) : gettext("Add a comment")
  id ? comment.append(form) : document.getElementById("comments-title").after(form)
  form.querySelector("[data-cancel]")?.remove()
  if (id) {
    const cancel = Object.assign(document.createElement("button"), { type: "button", className: "button button--quiet", textContent: gettext("Cancel") })
    cancel.dataset.cancel = ""
    cancel.addEventListener("click", () => { moveForm(form, comment, "", ""); comment.querySelector("[data-reply]").focus() })
    form.append(cancel)
  }
  form.elements.text.focus()
}

// Presses likes and follows without leaving the page, and brings the form of an answer to its comment.
// Knows no page: any button that sends to .../like, /unlike, /follow or /unfollow is pressed. The button changes at once;
// if the request fails, it changes back and a message says why.

const PRESSED = /^(\/c\/\d+|\/@[^/]+)\/(un)?(like|follow)$/
const under = new Set()

const say = words => {
  const region = document.getElementById("told") ?? Object.assign(document.createElement("p"), { id: "told", className: "unseen" })
  region.setAttribute("role", "status")
  document.body.append(region)
  setTimeout(() => { region.textContent = words }, 50)
}

const senders = url => [...document.querySelectorAll("button")].filter(button => pathOf(button) === url)
const pathOf = button => button?.form && new URL(button.hasAttribute("formaction") ? button.formAction : button.form.action, location.href).pathname

// One thing may have several buttons on a page: all of them show how it stands.
function show(button, pressed, path, kind) {
  const next = `${path}/${pressed ? "un" : ""}${kind}`
  if (button.hasAttribute("formaction")) button.setAttribute("formaction", next)
  else button.form.setAttribute("action", next)
  button.setAttribute("aria-pressed", pressed)
  button.classList.toggle("is-new", pressed)
  const words = button.querySelector("[data-words]")
  if (words) words.textContent = words.dataset.words.split("|")[Number(pressed)]
}

const FAILED = {
  403: "This page is out of date. Reload it, then try again.",
  404: "This is gone.",
  410: "This is gone.",
  429: "Too fast. Wait a moment, then try again.",
}
const warn = words => dispatchEvent(new CustomEvent("toast", { detail: words }))
const numbers = same => same.flatMap(one => [...one.querySelectorAll("[data-count]")])

async function press(form, url, [, path, un, kind]) {
  const same = [...senders(`${path}/${kind}`), ...senders(`${path}/un${kind}`)]
  const body = new FormData(form), before = numbers(same).map(number => number.textContent)
  for (const one of same) show(one, !un, path, kind)
  for (const number of numbers(same)) number.textContent = Math.max(0, Number(number.textContent) + (un ? -1 : 1)) || ""
  const failure = await send(url, body, same, path, kind)
  if (failure === undefined) return
  for (const one of same) show(one, Boolean(un), path, kind)
  numbers(same).forEach((number, place) => { number.textContent = before[place] })
  if (failure) warn(failure)
}

// Returns why it failed, in words; undefined if it did not.
async function send(url, body, same, path, kind) {
  let answer
  try {
    answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } })
    if (answer.ok) return confirm(await answer.json(), same, path, kind)
  } catch { return "No connection. Try again." }
  // The sign-in comes back to do it.
  if (answer.status === 401) return location.assign(`/sign-in?next=${encodeURIComponent(url)}`) ?? ""
  return FAILED[answer.status] ?? "That did not work. Try again in a moment."
}

function confirm({ on, count, words }, same, path, kind) {
  for (const one of same) show(one, on, path, kind)
  const counts = kind === "like" ? `[data-likes="${path.slice(3)}"]` : `[data-count-of="${CSS.escape(path)}"]`
  for (const one of document.querySelectorAll(counts)) one.textContent = words
  for (const number of numbers(same)) number.textContent = count || ""
  say(`${kind === "like" ? (on ? "Liked" : "Not liked any more") : on ? "Following" : "Not following any more"}. ${words}.`)
}

addEventListener("submit", async event => {
  const button = event.submitter, form = event.target
  if (event.defaultPrevented) return
  const url = pathOf(button), found = url && PRESSED.exec(url)
  if (!found) return once(event)
  event.preventDefault()
  if (under.has(found[1])) return
  under.add(found[1])
  try { await press(form, url, found) } finally { under.delete(found[1]) }
})

// A second press of the same button while the first is on its way.
function once(event) {
  const form = event.target
  if (!("once" in form.dataset)) return
  if (form.dataset.sent) event.preventDefault()
  form.dataset.sent = "yes"
  setTimeout(() => { delete form.dataset.sent }, 5000)
}
addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach(form => delete form.dataset.sent))

// The one form of the page goes to the comment that is answered, and back.
addEventListener("click", event => {
  const link = event.target.closest("[data-answer]"), form = document.getElementById("saying")
  if (!link || !form?.elements.text || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  answer(form, link.closest(".said"), link.dataset.answer, link.dataset.name)
})

function answer(form, place, id, name) {
  const label = form.querySelector("label")
  form.querySelector(".saying__to")?.remove()
  form.elements.parent.value = id
  label.textContent = id ? `Your answer to ${name}` : "Say something about this picture"
  id ? place.append(form) : document.getElementById("comments-title").after(form)
  form.querySelector("[data-stop]")?.remove()
  if (id) {
    const stop = Object.assign(document.createElement("button"), { type: "button", className: "button button--quiet", textContent: "Not now" })
    stop.dataset.stop = ""
    stop.addEventListener("click", () => { answer(form, place, "", ""); place.querySelector("[data-answer]").focus() })
    form.append(stop)
  }
  form.elements.text.focus()
}

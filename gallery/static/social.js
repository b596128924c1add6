// Presses likes and follows without leaving the page, and brings the form of an answer to its comment.
// Knows no page: any button that sends to .../like, /unlike, /follow or /unfollow is pressed. What fails is sent as
// the form that it is.

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

async function press(button, form, url, [, path, un, kind]) {
  const same = [...senders(`${path}/${kind}`), ...senders(`${path}/un${kind}`)]
  const answer = await fetch(url, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } })
  if (answer.status === 401) return location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`)
  if (answer.status === 429) return say("That was quick. Wait a moment, then try again.")
  if (!answer.ok) throw new Error(answer.status)
  const { on, count, words } = await answer.json()
  for (const one of same) show(one, on, path, kind)
  const counts = kind === "like" ? `[data-likes="${path.slice(3)}"]` : `[data-count-of="${CSS.escape(path)}"]`
  for (const one of document.querySelectorAll(counts)) one.textContent = words
  for (const one of same) for (const number of one.querySelectorAll("[data-count]")) number.textContent = count || ""
  say(`${kind === "like" ? (on ? "Liked" : "Not liked any more") : on ? "Following" : "Not following any more"}. ${words}.`)
}

addEventListener("submit", async event => {
  const button = event.submitter, form = event.target
  const url = pathOf(button), found = url && PRESSED.exec(url)
  if (!found) return once(event)
  event.preventDefault()
  if (under.has(found[1])) return
  under.add(found[1])
  try { await press(button, form, url, found) } catch {
    form.action = url
    form.submit()
  } finally { under.delete(found[1]) }
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

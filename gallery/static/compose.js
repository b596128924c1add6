// The composer: counts characters, saves a draft until it is sent, sends each form once, and shows errors in place. Works
// for each form of a page, also for one that comes later: `dispatchEvent(new CustomEvent("composer", { detail: form }))`.
// Without it, the plain form does the same.

const DRAFT_FIELDS = ["prompt", "negative_prompt", "seed", "steps", "style", "aspect_ratio", "count", "init_image", "strength"]
// The fields of drafts from before 0.1. Remove them in 0.2.
const FORMER_NAMES = { negative: "negative_prompt", shape: "aspect_ratio", start: "init_image", far: "strength" }
const MESSAGES = {
  lost: gettext("No connection. Your prompt is saved: try again."),
  down: gettext("Something is down on our side. Your prompt is saved: try again in a moment."),
  403: gettext("This page is out of date. Your prompt is saved: reload the page, then try again."),
  429: gettext("Too fast. Your prompt is saved: wait a moment, then try again."),
}
const isValid = (element, value) => !element?.dataset?.valid || new RegExp(element.dataset.valid).test(value)

class Composer {
  constructor(form) {
    this.form = form
    this.prompt = form.elements.prompt
    this.button = form.querySelector("button[data-send]")
    this.draftKey = `draft:${form.dataset.compose}:${form.dataset.remix ?? ""}`
    this.key = Object.assign(document.createElement("input"), { type: "hidden", name: "idempotency_key" })
    form.append(this.key)
    this.renewKey()
    this.filled = form.dataset.filled?.split(" ") ?? []
    if (!this.filled.includes("prompt")) this.restoreDraft()
    this.error = form.querySelector("#prompt-error")
    this.showCount()
    form.addEventListener("input", event => this.change(event))
    form.addEventListener("submit", event => this.send(event))
    this.prompt.addEventListener("keydown", event => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(this.button)
    })
    addEventListener("pageshow", event => event.persisted && this.renewKey())
    this.focus()
  }

  // After a page was left and is shown again, the same words are another picture.
  renewKey() {
    this.key.value = Math.random().toString(36).slice(2)
    this.setIdle()
  }

  focus() {
    const summary = this.form.querySelector("[data-errors]")
    if (summary) return summary.focus()
    if (!("focus" in this.form.dataset)) return
    this.prompt.focus()
    this.prompt.setSelectionRange(this.prompt.value.length, this.prompt.value.length)
  }

  change({ target }) {
    // What was wrong with the words may be right now; whether they are too long is counted.
    if (target === this.prompt && this.error) {
      this.error.remove()
      this.error = null
      this.prompt.removeAttribute("aria-invalid")
      this.prompt.closest(".field").classList.remove("field--wrong")
    }
    this.saveDraft()
    this.showCount()
  }

  showCount() {
    const count = this.form.querySelector(".compose__count")
    if (!count) return
    count.hidden = Boolean(this.error)
    const limit = Number(this.prompt.dataset.limit), length = [...this.prompt.value.trim()].length
    const excess = length - limit, format = number => number.toLocaleString(document.documentElement.lang)
    count.textContent = excess > 0
      ? ngettext("{n} character over the {limit} limit", "{n} characters over the {limit} limit", excess, { limit: format(limit) })
      : gettext("{length} of {limit} characters", { length: format(length), limit: format(limit) })
    count.classList.toggle("compose__count--over", excess > 0)
  }

  // The draft

  saveDraft() {
    const isSaved = ([name, value]) =>
      DRAFT_FIELDS.includes(name) && (value || name === "init_image") && isValid(this.form.elements[name], value)
    const draft = Object.fromEntries([...new FormData(this.form)].filter(isSaved))
    try { localStorage.setItem(this.draftKey, JSON.stringify(draft)) } catch { /* a browser without storage */ }
  }

  restoreDraft() {
    let draft = {}
    try { draft = JSON.parse(localStorage.getItem(this.draftKey)) ?? {} } catch { return }
    const { form } = this, before = this.prompt.value
    for (const [savedName, value] of Object.entries(draft)) {
      const name = FORMER_NAMES[savedName] ?? savedName
      if (this.filled.includes(name)) continue
      if (name === "init_image" && value.startsWith("own:")) form.dataset.upload = value // compose_image.js adds it
      const element = form.elements[name]
      // Drafts of earlier versions may hold values that the server rejects: do not restore them.
      if (element && isValid(element, value)) element.value = value
      // Setting an empty value for all radio buttons together does nothing.
      const none = !value && form.querySelector(`[name="${name}"][value=""]`)
      if (none) none.checked = true
    }
    const more = form.querySelector("details")
    if (more && ["negative_prompt", "seed", "steps"].some(name => form.elements[name].value)) more.open = true
    if (this.prompt.value !== before) this.offerToStartOver()
  }

  // The words are not those of the page, so say why.
  offerToStartOver() {
    const note = this.form.querySelector("[data-draft]")
    if (!note) return
    note.hidden = false
    note.querySelector("button").addEventListener("click", () => {
      this.form.reset()
      this.form.dispatchEvent(new Event("input"))
      this.deleteDraft()
      note.hidden = true
      this.prompt.focus()
    })
  }

  deleteDraft() {
    try { localStorage.removeItem(this.draftKey) } catch { /* nothing was saved */ }
  }

  // Sending

  async send(event) {
    if (event.submitter?.name === "more" || event.defaultPrevented) return
    event.preventDefault()
    if (this.busy) return
    this.busy = true
    this.button.setAttribute("aria-disabled", "true")
    this.button.dataset.label = this.button.textContent
    this.button.textContent = this.button.dataset.send
    try {
      // JSON if it was created, else the page with its errors.
      const headers = { Accept: "application/json, text/html" }
      const response = await fetch(this.form.action, { method: "POST", body: new FormData(this.form), headers })
      if (response.ok) this.finish(await response.json())
      else if (response.headers.get("content-type")?.startsWith("text/html")) this.showErrors(await response.text())
      else this.showFailure(MESSAGES[response.status] ?? MESSAGES.down)
    } catch { this.showFailure(MESSAGES.lost) }
  }

  // A dialog may handle the event: then the page stays.
  finish(created) {
    this.deleteDraft()
    const event = new CustomEvent("created", { bubbles: true, cancelable: true, detail: created })
    if (this.form.dispatchEvent(event)) location.assign(created.url)
  }

  showErrors(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("form.compose")
    if (!fresh) return this.showFailure(MESSAGES.down)
    // The small composer has no room for errors.
    if (this.form.classList.contains("compose--small")) return this.form.submit()
    this.form.replaceWith(fresh)
    dispatchEvent(new CustomEvent("composer", { detail: fresh }))
  }

  // Sent again later, it still creates one picture: the form has the same idempotency key.
  showFailure(message) {
    this.saveDraft()
    this.setIdle()
    dispatchEvent(new CustomEvent("toast", { detail: message }))
  }

  setIdle() {
    this.busy = false
    if (this.button.dataset.label) this.button.textContent = this.button.dataset.label
    this.button.removeAttribute("aria-disabled")
  }
}

const started = new WeakSet()
function start(form) {
  if (started.has(form)) return
  started.add(form)
  new Composer(form)
}
addEventListener("composer", ({ detail }) => start(detail))
document.querySelectorAll("[data-compose]").forEach(start)

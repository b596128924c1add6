// Changes the words of the composer in place: tweaks that a second click undoes, the words of a style, and earlier prompts
// by arrow-up in an empty field. Without it, people type.

const escape = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
const pattern = words => new RegExp(`(?:,\\s*|(?<![\\p{L}\\d]))${escape(words)}(?![\\p{L}\\d])`, "iu")

class Words {
  constructor(form) {
    this.form = form
    this.prompt = form.elements.prompt
    this.history = null
    this.place = -1
    for (const button of form.querySelectorAll("[data-tweak]")) {
      button.addEventListener("click", () => this.write(toggle(this.prompt.value, button.dataset.tweak)))
    }
    for (const button of form.querySelectorAll("[data-ratio-steps]")) button.addEventListener("click", () => this.reshape(button))
    this.details = form.querySelector("[data-add-details]")
    this.details?.addEventListener("click", () => this.addDetails())
    form.addEventListener("input", () => this.update())
    this.prompt.addEventListener("keydown", event => this.walk(event))
    this.update()
  }

  write(text) {
    this.prompt.value = text
    this.form.dispatchEvent(new Event("input"))
  }

  // To set the value of all radio buttons together does nothing for an empty value.
  choose(name, value) {
    this.form.querySelector(`[name="${name}"][value="${value}"]`).checked = true
  }

  // A tweak looks pressed whenever its words are in the prompt, however they came there.
  update() {
    for (const button of this.form.querySelectorAll("[data-tweak]")) {
      button.setAttribute("aria-pressed", pattern(button.dataset.tweak).test(this.prompt.value))
    }
    const ratio = this.form.elements.aspect_ratio?.value
    for (const button of this.form.querySelectorAll("[data-ratio-steps]")) {
      button.setAttribute("aria-pressed", button.dataset.set !== undefined && button.dataset.set === ratio)
    }
    if (this.details) this.details.hidden = !this.form.elements.style.value
  }

  // The ratios stand from the widest to the tallest; the first choice is the default, which counts as a square.
  reshape(button) {
    const field = this.form.elements.aspect_ratio, ratios = [...field].map(input => input.value).filter(Boolean)
    if (button.getAttribute("aria-pressed") === "true") this.choose("aspect_ratio", button.dataset.before)
    else {
      const place = ratios.indexOf(field.value || "1:1") + Number(button.dataset.ratioSteps)
      button.dataset.before = field.value
      button.dataset.set = ratios[Math.max(0, Math.min(ratios.length - 1, place))]
      this.choose("aspect_ratio", button.dataset.set)
    }
    this.form.dispatchEvent(new Event("input"))
  }

  // The words come instead of the style, which would add them once more.
  addDetails() {
    const chosen = this.form.querySelector("[name=style]:checked")
    if (!pattern(chosen.dataset.words).test(this.prompt.value)) this.prompt.value = toggle(this.prompt.value, chosen.dataset.words)
    this.choose("style", "")
    this.prompt.focus()
    this.write(this.prompt.value)
  }

  // Earlier prompts

  async walk(event) {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key]
    const shown = this.history?.[this.place] ?? ""
    if (!step || this.prompt.value !== shown || (step < 0 && this.place < 0)) return
    event.preventDefault()
    this.history ??= await loadHistory()
    this.place = Math.max(-1, Math.min(this.history.length - 1, this.place + step))
    this.write(this.history[this.place] ?? "")
    this.prompt.setSelectionRange(this.prompt.value.length, this.prompt.value.length)
  }
}

// Append the words, or take them out if they are there.
function toggle(text, words) {
  const found = pattern(words)
  if (found.test(text)) return text.replace(found, "").replace(/^[,\s]+/, "")
  const before = text.trimEnd().replace(/[,.;]$/, "")
  return before ? `${before}, ${words}` : words
}

async function loadHistory() {
  try {
    const response = await fetch("/me/prompts", { headers: { Accept: "application/json" } })
    return response.ok ? (await response.json()).prompts : []
  } catch { return [] }
}

const started = new WeakSet()
function start(form) {
  if (started.has(form)) return
  started.add(form)
  new Words(form)
}
addEventListener("composer", ({ detail }) => start(detail))
document.querySelectorAll("[data-compose]").forEach(start)

// The composer, made more pleasant: it counts, keeps a draft until it is sent, takes pictures by drop and paste, and
// sends once. Without it all works.

const MOST_BYTES = 10 * 1024 * 1024
// An init image needs no more pixels; a smaller file of these kinds is sent as it is.
const LARGEST_SIDE = 2048, SMALL_BYTES = 1024 * 1024
const SENT_AS_THEY_ARE = ["image/jpeg", "image/png", "image/webp"]
const KEPT = ["prompt", "negative", "seed", "steps", "style", "shape", "count", "start", "far"]

const form = document.querySelector("[data-compose]")
const words = form.elements.prompt
const button = form.querySelector("button:not([name])")
const key = `draft:${form.dataset.compose}:${form.dataset.remix ?? ""}`
const once = Object.assign(document.createElement("input"), { type: "hidden", name: "once" })
let busy = false

form.append(once)
if (!("refused" in form.dataset) && !location.search.includes("prompt=")) restore()
count()
document.querySelector("[data-errors]")?.focus()
form.addEventListener("input", () => { keep(); count() })
form.addEventListener("submit", send)
addEventListener("pageshow", () => { once.value = Math.random().toString(36).slice(2); rest() })

function count() {
  const told = document.getElementById("prompt-count")
  if (!told) return
  const limit = Number(words.dataset.limit), length = [...words.value.trim()].length
  told.textContent = length > limit ? `${length - limit} too many of ${limit} characters` : `${length} of ${limit} characters`
  told.classList.toggle("compose__count--over", length > limit)
}

// The draft

function keep() {
  const kept = ([name, value]) => KEPT.includes(name) && value && isValid(form.elements[name], value)
  const draft = Object.fromEntries([...new FormData(form)].filter(kept))
  try { localStorage.setItem(key, JSON.stringify(draft)) } catch { /* a browser that keeps nothing */ }
}

function isValid(element, value) {
  return !element?.dataset?.valid || new RegExp(element.dataset.valid).test(value)
}

function restore() {
  let draft = {}
  try { draft = JSON.parse(localStorage.getItem(key)) ?? {} } catch { return }
  for (const [name, value] of Object.entries(draft)) {
    if (name === "start" && value.startsWith("own:")) add(value, `/paint/start/${value.slice(4)}`)
    const element = form.elements[name]
    // Drafts of earlier versions hold values that the server refuses: they must not come back for ever.
    if (element && isValid(element, value)) element.value = value
  }
  const more = form.querySelector("details")
  if (more && (draft.negative || draft.seed || draft.steps)) more.open = true
}

function forget() {
  try { localStorage.removeItem(key) } catch { /* nothing was kept */ }
}

// Sending

async function send(event) {
  if (event.submitter?.name === "more") return
  if (event.defaultPrevented) return
  event.preventDefault()
  if (busy) return
  busy = true
  button.setAttribute("aria-disabled", "true")
  button.dataset.said = button.textContent
  button.textContent = button.dataset.busy ?? "Sending"
  try {
    const sent = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } })
    if (sent.ok) {
      const { url } = await sent.json()
      forget()
      location.assign(url)
      return
    }
    // The page that the server draws for a refusal says beside each field what is wrong.
    if (sent.status < 500) return form.submit()
    stay("Something is down on our side. Your prompt is kept: try again in a moment.")
  } catch { stay("No connection. Your prompt is kept: try again.") }
}

// Sent again later, it is still one picture: the form keeps its key.
function stay(words) {
  keep()
  rest()
  dispatchEvent(new CustomEvent("toast", { detail: words }))
}

function rest() {
  busy = false
  if (button.dataset.said) button.textContent = button.dataset.said
  button.removeAttribute("aria-disabled")
}

// A picture to begin from

const starts = form.querySelector("[data-starts]")
if (starts) {
  const drop = form.querySelector("[data-drop]")
  form.elements.file.addEventListener("change", event => choose(event.target.files[0]))
  addEventListener("paste", event => {
    const [file] = event.clipboardData.files
    if (!file || event.clipboardData.types.includes("text/plain")) return
    event.preventDefault()
    choose(file)
  })
  for (const kind of ["dragover", "dragleave", "drop"]) {
    form.addEventListener(kind, event => {
      if (!event.dataTransfer.types.includes("Files")) return
      event.preventDefault()
      drop.classList.toggle("compose__drop--over", kind === "dragover")
      if (kind === "drop") choose(event.dataTransfer.files[0])
    })
  }
}

async function choose(file) {
  if (!file) return
  say("Reading the picture.")
  const small = await scaled(file)
  const problem = small.size > MOST_BYTES ? "This file is larger than 10 MB. Choose a smaller one." : await upload(small)
  form.elements.file.value = ""
  say(problem ? "" : "The picture is chosen.")
  fail(problem)
}

// A photograph as a JPEG that takes a moment to send, upright, of whatever size and kind this browser reads. What it does
// not read is sent as it is: the answer says what is wrong with it.
async function scaled(file) {
  try {
    const bitmap = await createImageBitmap(file)
    const share = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height))
    if (share === 1 && file.size <= SMALL_BYTES && SENT_AS_THEY_ARE.includes(file.type)) return file
    const canvas = document.createElement("canvas")
    canvas.width = Math.max(1, Math.round(bitmap.width * share))
    canvas.height = Math.max(1, Math.round(bitmap.height * share))
    const pen = canvas.getContext("2d")
    pen.fillStyle = "white"
    pen.fillRect(0, 0, canvas.width, canvas.height)
    pen.imageSmoothingQuality = "high"
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    bitmap.close()
    const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/jpeg", 0.92))
    return blob ? new File([blob], "picture.jpg", { type: blob.type }) : file
  } catch {
    return file
  }
}

async function upload(file) {
  const body = new FormData()
  body.set("token", form.elements.token.value)
  body.set("file", file)
  try {
    const sent = await fetch("/paint/start", { method: "POST", body, headers: { Accept: "application/json" } })
    const answer = await sent.json()
    if (!sent.ok) return answer.errors?.start ?? "This picture cannot be taken just now. Try again in a moment."
    add(answer.start, answer.url)
    keep()
    return ""
  } catch {
    return "The picture did not arrive. Try again in a moment."
  }
}

function add(value, url) {
  if (!starts) return
  starts.querySelector('input[value^="own:"]')?.closest(".pick").remove()
  const label = Object.assign(document.createElement("label"), { className: "pick pick--start" })
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "start", value })
  const picture = Object.assign(document.createElement("img"), { className: "pick__picture", src: url, alt: "", width: 96, height: 96 })
  const name = Object.assign(document.createElement("span"), { className: "pick__name", textContent: "The picture you chose" })
  picture.addEventListener("error", () => { label.remove(); starts.querySelector('input[value=""]').checked = true })
  label.append(input, picture, name)
  starts.querySelector("[data-drop]").before(label)
  input.checked = true
}

function say(text) {
  starts.querySelector("[data-said]").textContent = text
}

function fail(text) {
  let told = document.getElementById("start-error")
  if (!told) {
    told = Object.assign(document.createElement("p"), { id: "start-error", className: "field__error", role: "alert" })
    starts.append(told)
  }
  told.textContent = text
  told.hidden = !text
}

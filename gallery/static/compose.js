// The composer with a script: counts characters, saves a draft until it is sent, takes images by drop and paste, and sends
// each form once. Without it, the plain form does the same.

const MAX_BYTES = 10 * 1024 * 1024
// An init image needs no more pixels; a smaller file of these kinds is sent as it is.
const MAX_SIDE = 2048, SMALL_BYTES = 1024 * 1024
const UNCHANGED_TYPES = ["image/jpeg", "image/png", "image/webp"]
const DRAFT_FIELDS = ["prompt", "negative_prompt", "seed", "steps", "style", "aspect_ratio", "count", "init_image", "strength"]
// The fields of drafts from before 0.1. Remove them in 0.2.
const FORMER_NAMES = { negative: "negative_prompt", shape: "aspect_ratio", start: "init_image", far: "strength" }

const form = document.querySelector("[data-compose]")
const prompt = form.elements.prompt
const initImages = form.querySelector("[data-init-images]")
const button = form.querySelector("button:not([name])")
const draftKey = `draft:${form.dataset.compose}:${form.dataset.remix ?? ""}`
const idempotencyKey = Object.assign(document.createElement("input"), { type: "hidden", name: "idempotency_key" })
let busy = false

form.append(idempotencyKey)
if (!("rejected" in form.dataset) && !location.search.includes("prompt=")) restoreDraft()
showCount()
document.querySelector("[data-errors]")?.focus()
form.addEventListener("input", () => { saveDraft(); showCount() })
form.addEventListener("submit", send)
addEventListener("pageshow", () => { idempotencyKey.value = Math.random().toString(36).slice(2); setIdle() })

function showCount() {
  const count = document.getElementById("prompt-count")
  if (!count) return
  const limit = Number(prompt.dataset.limit), length = [...prompt.value.trim()].length
  const excess = length - limit, characters = excess === 1 ? "character" : "characters"
  const [shownLimit, shownLength, shownExcess] = [limit, length, excess].map(number => number.toLocaleString("en-US"))
  count.textContent = excess > 0 ? `${shownExcess} ${characters} over the ${shownLimit} limit` : `${shownLength} of ${shownLimit} characters`
  count.classList.toggle("compose__count--over", excess > 0)
}

// The draft

function saveDraft() {
  const isSaved = ([name, value]) => DRAFT_FIELDS.includes(name) && value && isValid(form.elements[name], value)
  const draft = Object.fromEntries([...new FormData(form)].filter(isSaved))
  try { localStorage.setItem(draftKey, JSON.stringify(draft)) } catch { /* a browser without storage */ }
}

function isValid(element, value) {
  return !element?.dataset?.valid || new RegExp(element.dataset.valid).test(value)
}

function restoreDraft() {
  let draft = {}
  try { draft = JSON.parse(localStorage.getItem(draftKey)) ?? {} } catch { return }
  for (const [savedName, value] of Object.entries(draft)) {
    const name = FORMER_NAMES[savedName] ?? savedName
    if (name === "init_image" && value.startsWith("own:")) addInitImage(value, `/uploads/${value.slice(4)}`)
    const element = form.elements[name]
    // Drafts of earlier versions may hold values that the server rejects: do not restore them.
    if (element && isValid(element, value)) element.value = value
  }
  const more = form.querySelector("details")
  if (more && ["negative_prompt", "seed", "steps"].some(name => form.elements[name].value)) more.open = true
}

function deleteDraft() {
  try { localStorage.removeItem(draftKey) } catch { /* nothing was saved */ }
}

// Sending

async function send(event) {
  if (event.submitter?.name === "more") return
  if (event.defaultPrevented) return
  event.preventDefault()
  if (busy) return
  busy = true
  button.setAttribute("aria-disabled", "true")
  button.dataset.label = button.textContent
  button.textContent = button.dataset.busy ?? "Sending"
  try {
    const response = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } })
    if (response.ok) {
      const { url } = await response.json()
      deleteDraft()
      location.assign(url)
      return
    }
    // Rejected: the page that the server renders says beside each field what is wrong.
    if (response.status < 500) return form.submit()
    showFailure("Something is down on our side. Your prompt is saved: try again in a moment.")
  } catch { showFailure("No connection. Your prompt is saved: try again.") }
}

// Sent again later, it still creates one picture: the form has the same idempotency key.
function showFailure(message) {
  saveDraft()
  setIdle()
  dispatchEvent(new CustomEvent("toast", { detail: message }))
}

function setIdle() {
  busy = false
  if (button.dataset.label) button.textContent = button.dataset.label
  button.removeAttribute("aria-disabled")
}

// The init image

if (initImages) {
  const drop = form.querySelector("[data-drop]")
  form.elements.file.addEventListener("change", event => selectFile(event.target.files[0]))
  addEventListener("paste", event => {
    const [file] = event.clipboardData.files
    if (!file || event.clipboardData.types.includes("text/plain")) return
    event.preventDefault()
    selectFile(file)
  })
  for (const kind of ["dragover", "dragleave", "drop"]) {
    form.addEventListener(kind, event => {
      if (!event.dataTransfer.types.includes("Files")) return
      event.preventDefault()
      drop.classList.toggle("compose__drop--over", kind === "dragover")
      if (kind === "drop") selectFile(event.dataTransfer.files[0])
    })
  }
}

async function selectFile(file) {
  if (!file) return
  announce("Reading the picture.")
  const scaledFile = await scaleDown(file)
  const problem = scaledFile.size > MAX_BYTES ? "This file is larger than 10 MB. Choose a smaller one." : await upload(scaledFile)
  form.elements.file.value = ""
  announce(problem ? "" : "Image selected.")
  showUploadError(problem)
}

// Converts a photo of any size and type that this browser reads to a small, upright JPEG. Other files are sent unchanged:
// the response says what is wrong with them.
async function scaleDown(file) {
  try {
    const bitmap = await createImageBitmap(file)
    const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height))
    if (scale === 1 && file.size <= SMALL_BYTES && UNCHANGED_TYPES.includes(file.type)) return file
    const canvas = document.createElement("canvas")
    canvas.width = Math.max(1, Math.round(bitmap.width * scale))
    canvas.height = Math.max(1, Math.round(bitmap.height * scale))
    const context = canvas.getContext("2d")
    context.fillStyle = "white"
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.imageSmoothingQuality = "high"
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
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
    const response = await fetch("/uploads", { method: "POST", body, headers: { Accept: "application/json" } })
    const result = await response.json()
    if (!response.ok) return result.errors?.init_image ?? "This image could not be uploaded. Try again in a moment."
    addInitImage(result.init_image, result.url)
    saveDraft()
    return ""
  } catch {
    return "The upload failed. Try again in a moment."
  }
}

function addInitImage(value, url) {
  if (!initImages) return
  initImages.querySelector('input[value^="own:"]')?.closest(".pick").remove()
  const label = Object.assign(document.createElement("label"), { className: "pick pick--image" })
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "init_image", value })
  const picture = Object.assign(document.createElement("img"), { className: "pick__picture", src: url, alt: "", width: 96, height: 96 })
  const name = Object.assign(document.createElement("span"), { className: "pick__name", textContent: "Your upload" })
  picture.addEventListener("error", () => { label.remove(); initImages.querySelector('input[value=""]').checked = true })
  label.append(input, picture, name)
  initImages.querySelector("[data-drop]").before(label)
  input.checked = true
}

function announce(text) {
  initImages.querySelector("[data-status]").textContent = text
}

function showUploadError(text) {
  let error = document.getElementById("init_image-error")
  if (!error) {
    error = Object.assign(document.createElement("p"), { id: "init_image-error", className: "field__error", role: "alert" })
    initImages.append(error)
  }
  error.textContent = text
  error.hidden = !text
}

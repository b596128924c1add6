// The image that a picture starts from: chosen, dropped anywhere on the page, or pasted; scaled down, and uploaded at once
// with its progress. Without it, the file comes with the form.

const MAX_BYTES = 10 * 1024 * 1024
// An init image needs no more pixels; a smaller file of these kinds is sent as it is.
const MAX_SIDE = 2048, SMALL_BYTES = 1024 * 1024
const UNCHANGED_TYPES = ["image/jpeg", "image/png", "image/webp"]
const MESSAGES = {
  large: gettext("This file is larger than 10 MB. Choose a smaller one."),
  rejected: gettext("This image could not be uploaded. Try again in a moment."),
  lost: gettext("The upload failed. Your prompt is saved: try again."),
}

class ImagePicker {
  constructor(form, field) {
    this.form = form
    this.field = field
    this.progress = field.querySelector("progress")
    form.elements.file.addEventListener("change", event => this.select(event.target.files[0]))
    form.addEventListener("file", ({ detail }) => this.select(detail))
    const { upload } = form.dataset
    if (upload) this.add(upload, `/uploads/${upload.slice(4)}`)
    // While this form is open, files go to it wherever they are dropped.
    addEventListener("paste", event => this.paste(event))
    for (const kind of ["dragover", "dragleave", "drop"]) addEventListener(kind, event => this.drag(event))
  }

  paste(event) {
    const [file] = event.clipboardData.files
    if (!this.form.isConnected || !file || event.clipboardData.types.includes("text/plain")) return
    event.preventDefault()
    this.select(file)
  }

  drag(event) {
    if (!this.form.isConnected || !event.dataTransfer?.types.includes("Files")) return
    event.preventDefault()
    this.field.querySelector("[data-drop]").classList.toggle("compose__drop--over", event.type === "dragover")
    if (event.type === "drop") this.select(event.dataTransfer.files[0])
  }

  async select(file) {
    if (!file) return
    this.announce(gettext("Reading the picture."))
    const scaled = await scaleDown(file)
    const problem = scaled.size > MAX_BYTES ? MESSAGES.large : await this.upload(scaled)
    this.form.elements.file.value = ""
    this.announce(problem ? "" : gettext("Image selected."))
    this.showError(problem)
  }

  // Returns what went wrong; empty if nothing did. Only this older API tells how much has been sent.
  upload(file) {
    const body = new FormData(), request = new XMLHttpRequest()
    body.set("token", this.form.elements.token.value)
    body.set("file", file)
    request.responseType = "json"
    request.upload.addEventListener("progress", ({ loaded, total }) => this.showProgress(loaded / total))
    return new Promise(resolve => {
      request.addEventListener("load", () => resolve(this.finish(request)))
      request.addEventListener("error", () => resolve(MESSAGES.lost))
      request.addEventListener("loadend", () => this.showProgress(null))
      request.open("POST", "/uploads")
      request.setRequestHeader("Accept", "application/json")
      request.send(body)
    })
  }

  finish({ status, response }) {
    if (status !== 200) return response?.errors?.init_image ?? MESSAGES.rejected
    this.add(response.init_image, response.url)
    this.form.dispatchEvent(new Event("input"))
    return ""
  }

  showProgress(share) {
    this.progress.hidden = share === null
    this.progress.value = share ?? 0
  }

  add(value, url) {
    this.field.querySelector('input[value^="own:"]')?.closest(".pick").remove()
    const label = Object.assign(document.createElement("label"), { className: "pick pick--image" })
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "init_image", value })
    const picture = Object.assign(document.createElement("img"), { className: "pick__picture", src: url, alt: "", width: 96, height: 96 })
    const name = Object.assign(document.createElement("span"), { className: "pick__name", textContent: gettext("Your upload") })
    picture.addEventListener("error", () => { label.remove(); this.field.querySelector('input[value=""]').checked = true })
    label.append(input, picture, name)
    this.field.querySelector("[data-drop]").before(label)
    input.checked = true
  }

  announce(text) {
    this.field.querySelector("[data-status]").textContent = text
  }

  showError(text) {
    let error = this.field.querySelector(".field__error")
    if (!error) {
      error = Object.assign(document.createElement("p"), { id: "init_image-error", className: "field__error" })
      error.setAttribute("role", "alert")
      this.field.append(error)
    }
    error.textContent = text
    error.hidden = !text
  }
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

const started = new WeakSet()
function start(form) {
  const field = form.querySelector("[data-init-images]")
  if (!field || started.has(form)) return
  started.add(form)
  new ImagePicker(form, field)
}
addEventListener("composer", ({ detail }) => start(detail))
document.querySelectorAll("[data-compose]").forEach(start)

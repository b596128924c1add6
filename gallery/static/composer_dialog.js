// Opens the composer over any page: a click on a link to /paint, "More" of the small composer, or an image that is dropped
// or pasted. The form is that of its own page. Without it, with Ctrl, or if loading fails, the link opens that page.

const PAGE = "/paint"
const TEXT = {
  loading: gettext("Loading…"),
  close: gettext("Close"),
  label: gettext("Composer"),
  queued: gettext("In the queue."),
  show: gettext("Show it"),
  lost: gettext("No connection. Try again."),
}
const hasForm = () => document.querySelector("form.compose:not(.compose--small)")
const toast = detail => dispatchEvent(new CustomEvent("toast", { detail }))
const isMember = () => document.querySelector(".member")
let opener

function build() {
  const dialog = document.createElement("dialog")
  dialog.className = "composer-dialog"
  dialog.setAttribute("aria-label", TEXT.label)
  const close = Object.assign(document.createElement("button"), { className: "button", textContent: TEXT.close })
  const bar = Object.assign(document.createElement("form"), { method: "dialog", className: "composer-dialog__close" })
  bar.append(close)
  dialog.append(bar, Object.assign(document.createElement("p"), { textContent: TEXT.loading, role: "status" }))
  dialog.addEventListener("close", () => { dialog.remove(); opener?.focus() })
  // On its edge, outside of what it holds. What was typed is kept as a draft.
  dialog.addEventListener("click", event => { if (event.target === dialog && event.detail) closeIfOutside(dialog, event) })
  dialog.addEventListener("created", event => { event.preventDefault(); dialog.close(); announce(event.detail.url) })
  document.body.append(dialog)
  dialog.showModal()
  return dialog
}

function closeIfOutside(dialog, { clientX, clientY }) {
  const box = dialog.getBoundingClientRect()
  if (clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom) dialog.close()
}

function announce(url) {
  const link = Object.assign(document.createElement("a"), { href: url, textContent: TEXT.show })
  const words = document.createElement("span")
  words.append(TEXT.queued, " ", link)
  toast(words)
}

// `request`: the response with the page. `leave`: what the link or button would do by itself. `smallForm`: the small
// composer that the words come from. `file`: an image to start from. `link`: gets the focus back.
async function open(request, leave, { file, link, smallForm } = {}) {
  // A shortcut presses a link that has no focus.
  opener = link ?? document.activeElement
  const dialog = build()
  dialog.addEventListener("created", () => smallForm?.reset())
  try {
    const response = await request
    const page = new DOMParser().parseFromString(await response.text(), "text/html")
    const form = page.querySelector("form.compose")
    if (!response.ok || !form) throw new Error(response.status)
    if (!dialog.open) return
    await loadStyles(page)
    dialog.querySelector("[role=status]").replaceWith(form)
    await Promise.all([...page.querySelectorAll("script[type=module][src]")].map(script => import(script.getAttribute("src"))))
    dispatchEvent(new CustomEvent("composer", { detail: form }))
    if (file) form.dispatchEvent(new CustomEvent("file", { detail: file }))
  } catch (error) {
    dialog.close()
    // Without a network the browser would replace the page by its own error page.
    if (error instanceof TypeError) toast(TEXT.lost)
    else leave()
  }
}

function loadStyles(page) {
  const missing = [...page.querySelectorAll("link[rel=stylesheet]")]
    .map(link => link.getAttribute("href"))
    .filter(href => !document.querySelector(`link[href="${href}"]`))
  return Promise.all(missing.map(href => new Promise(resolve => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href })
    link.addEventListener("load", resolve)
    link.addEventListener("error", resolve)
    document.head.append(link)
  })))
}

const get = url => fetch(url, { headers: { Accept: "text/html" } })

addEventListener("click", event => {
  const link = event.target.closest?.("a[href]")
  if (!link || new URL(link.href).pathname !== PAGE || link.origin !== location.origin || link.target) return
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
  if (!isMember() || hasForm()) return
  event.preventDefault()
  open(get(link.href), () => location.assign(link.href), { link })
})

addEventListener("submit", event => {
  const { submitter, target: form } = event
  if (submitter?.name !== "more" || event.defaultPrevented) return
  event.preventDefault()
  const body = new FormData(form)
  body.set(submitter.name, submitter.value)
  // A button that is pressed by a script counts as no submitter.
  const leave = () => { form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "more", value: "yes" })); form.submit() }
  open(fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } }), leave, { smallForm: form })
})

// An image for a picture that has no form yet.
function take(event, file) {
  if (!file?.type.startsWith("image/") || event.defaultPrevented || !isMember() || hasForm()) return
  event.preventDefault()
  open(get(PAGE), () => location.assign(PAGE), { file })
}
addEventListener("dragover", event => {
  if (event.dataTransfer?.types.includes("Files") && isMember()) event.preventDefault()
})
addEventListener("drop", event => take(event, event.dataTransfer?.files[0]))
addEventListener("paste", event => {
  if (!event.clipboardData.types.includes("text/plain")) take(event, event.clipboardData.files[0])
})

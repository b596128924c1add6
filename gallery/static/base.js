// On every page: turns the colours at once, copies examples, closes open menus. Without it forms and links do the same.

const root = document.documentElement
const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches

const turner = document.querySelector("[data-colours]")
function offer() {
  const other = isDark() ? "light" : "dark"
  turner.querySelector("button").value = other
  turner.querySelector(".unseen").textContent = other === "dark" ? "Dark colours" : "Light colours"
}
if (turner) {
  offer()
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", offer)
  turner.addEventListener("submit", event => {
    event.preventDefault()
    root.dataset.theme = isDark() ? "light" : "dark"
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`
    offer()
  })
}

if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy-example]")) {
  button.hidden = false
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.value)
    button.textContent = "Copied"
  })
}

const menus = () => document.querySelectorAll("details.member[open]")
addEventListener("click", event => menus().forEach(menu => { if (!menu.contains(event.target)) menu.open = false }))
addEventListener("keydown", event => {
  if (event.key === "Escape") menus().forEach(menu => { menu.open = false; menu.querySelector("summary").focus() })
})

// Short messages that everybody sees: other scripts send them as an event.
addEventListener("toast", event => {
  document.querySelector(".toast")?.remove()
  const toast = Object.assign(document.createElement("p"), { className: "toast" })
  toast.setAttribute("role", "alert")
  document.body.append(toast)
  // A region that is there before its words is read aloud.
  setTimeout(() => { toast.textContent = event.detail }, 50)
  setTimeout(() => toast.remove(), 8000)
})

// Without a network the browser would replace the page, and what was typed in it, by its own error page.
addEventListener("submit", event => {
  if (navigator.onLine) return
  event.preventDefault()
  event.stopImmediatePropagation()
  dispatchEvent(new CustomEvent("toast", { detail: "No connection. Nothing was sent: try again when you are back online." }))
}, true)

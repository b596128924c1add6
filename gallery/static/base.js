// On every page: switches the theme at once, copies examples, closes open menus. Without it, forms and links do the same.

const root = document.documentElement
const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches

const themeForm = document.querySelector("[data-switch-theme]")
function updateThemeButton() {
  const other = isDark() ? "light" : "dark"
  themeForm.querySelector("button").value = other
  themeForm.querySelector(".visually-hidden").textContent = other === "dark" ? "Dark mode" : "Light mode"
}
if (themeForm) {
  updateThemeButton()
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", updateThemeButton)
  themeForm.addEventListener("submit", event => {
    event.preventDefault()
    root.dataset.theme = isDark() ? "light" : "dark"
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`
    updateThemeButton()
  })
}

if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy-example]")) {
  button.hidden = false
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.value)
    button.textContent = gettext("Copied")
  })
}

const menus = () => document.querySelectorAll("details.member[open]")
addEventListener("click", event => menus().forEach(menu => { if (!menu.contains(event.target)) menu.open = false }))
addEventListener("keydown", event => {
  if (event.key === "Escape") menus().forEach(menu => { menu.open = false; menu.querySelector("summary").focus() })
})

// Short messages in a corner of the page: other scripts send them as an event, as text or as an element.
addEventListener("toast", event => {
  document.querySelector(".toast")?.remove()
  const toast = Object.assign(document.createElement("p"), { className: "toast" })
  toast.setAttribute("role", "alert")
  // A modal dialog covers the rest of the page, and hides it from screen readers.
  const dialog = [...document.querySelectorAll("dialog:modal")].at(-1)
  ;(dialog ?? document.body).append(toast)
  // Screen readers read only text that is added to a region which is already there.
  setTimeout(() => { toast.replaceChildren(event.detail) }, 50)
  setTimeout(() => toast.remove(), 8000)
})

// A page that offers to undo something stops doing so when nobody reaches for it.
const flash = document.querySelector("[data-flash]")
const hideFlash = () => flash.matches(":hover, :focus-within") ? setTimeout(hideFlash, 2000) : flash.remove()
if (flash) setTimeout(hideFlash, 12000)

// Without a network the browser would replace the page, and what was typed in it, by its own error page.
addEventListener("submit", event => {
  if (navigator.onLine) return
  event.preventDefault()
  event.stopImmediatePropagation()
  dispatchEvent(new CustomEvent("toast", { detail: gettext("No connection. Nothing was sent: try again when you are back online.") }))
}, true)

// Times of the last month as "5min ago", in the language of the page; the exact time stays in the title. Only what is
// on screen is changed, because each change lays its row out anew.
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]]
let relative // made when it is needed: on a phone that takes 50 ms
function describeAgo(time) {
  time.dataset.ago = "shown" // what stands after it waits for that, and does not move
  const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000
  if (-seconds > 30 * 86400) return
  relative ??= new Intl.RelativeTimeFormat(root.lang, { numeric: "auto", style: "narrow" })
  const [unit, size] = UNITS.find(([, size]) => -seconds >= size) ?? []
  time.textContent = unit ? relative.format(Math.round(seconds / size), unit) : gettext("just now")
}
const onScreen = new IntersectionObserver(entries => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) describeAgo(target)
})
const watchTimes = () => document.querySelectorAll("time[data-ago]").forEach(time => onScreen.observe(time))
addEventListener("load", watchTimes)
const feedOfPage = document.querySelector(".feed")
if (feedOfPage) new MutationObserver(watchTimes).observe(feedOfPage, { childList: true })
setInterval(() => { onScreen.disconnect(); watchTimes() }, 60000)

// The page that shows without a connection.
addEventListener("load", () => navigator.serviceWorker?.register("/service-worker.js").catch(() => {}))

// Own pictures: counts the selected ones, selects all at once, and updates the cards of pending ones.
// Without it, boxes and buttons do the same, and the page reloads itself.

const POLL_MS = 4000
const list = document.querySelector("[data-own]"), form = document.getElementById("manage")
const boxes = () => [...document.querySelectorAll('input[name="ids"]')]

function count() {
  const selected = boxes().filter(box => box.checked).length
  form.querySelector("[data-chosen]").textContent = selected ? ngettext("{n} selected:", "{n} selected:", selected) : gettext("Select pictures first.")
  form.querySelectorAll("button").forEach(button => { button.disabled = !selected })
  form.querySelector("[data-all]").checked = selected > 0 && selected === boxes().length
}

if (form) {
  form.querySelector("[data-all]").addEventListener("change", event => {
    boxes().forEach(box => { box.checked = event.target.checked })
    count()
  })
  list?.addEventListener("change", count)
  addEventListener("pageshow", count)
  count()
}

// Replaces only the cards that changed. Selected ones stay selected.
async function poll() {
  if (!document.hidden) {
    const response = await fetch(location.href, { cache: "no-store" }).catch(() => null)
    if (response?.ok && !response.redirected) update(new DOMParser().parseFromString(await response.text(), "text/html"))
  }
  if (list.hasAttribute("data-waiting")) setTimeout(poll, POLL_MS)
}

function update(page) {
  const painted = []
  for (const card of page.querySelectorAll("[data-own] > [data-state]")) {
    const old = document.getElementById(card.id)
    if (!old || old.innerHTML === card.innerHTML || old.contains(document.activeElement)) continue
    if (old.dataset.state !== card.dataset.state && card.dataset.state === "public") painted.push(card)
    const box = card.querySelector('input[name="ids"]')
    if (box) box.checked = old.querySelector('input[name="ids"]')?.checked ?? false
    old.replaceWith(card)
  }
  const facts = page.querySelector(".mine__facts")
  if (facts) document.querySelector(".mine__facts").replaceWith(facts)
  if (painted.length) document.querySelector("[data-status]").textContent = ngettext("A picture is ready.", "{n} pictures are ready.", painted.length)
  if (!page.querySelector("[data-waiting]")) list.removeAttribute("data-waiting")
}

if (list?.hasAttribute("data-waiting")) setTimeout(poll, POLL_MS)

// Copies a prompt of the list.
if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy-prompt]")) {
  button.hidden = false
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.value)
    document.querySelector("[data-status]").textContent = gettext("Copied.")
  })
}

// A page that comes back from the browser's memory holds an idempotency key that was used.
addEventListener("pageshow", event => {
  if (event.persisted && document.querySelector("[data-reload-if-restored]")) location.reload()
})

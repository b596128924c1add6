// Own pictures: what is chosen is counted, all can be chosen at once, and what waits shows how it goes on.
// Without it boxes and buttons do the same, and the page looks again by itself.

const list = document.querySelector("[data-own]"), form = document.getElementById("manage")
const boxes = () => [...document.querySelectorAll('input[name="ids"]')]

function count() {
  const chosen = boxes().filter(box => box.checked).length
  form.querySelector("[data-chosen]").textContent = chosen ? `${chosen} chosen:` : "Choose some pictures first."
  form.querySelectorAll("button").forEach(button => { button.disabled = !chosen })
  form.querySelector("[data-all]").checked = chosen > 0 && chosen === boxes().length
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

// Only cards that stand otherwise than before are put in anew, and what is chosen stays chosen.
async function look() {
  if (!document.hidden) {
    const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null)
    if (answer?.ok && !answer.redirected) renew(new DOMParser().parseFromString(await answer.text(), "text/html"))
  }
  if (list.hasAttribute("data-waiting")) setTimeout(look, 4000)
}

function renew(page) {
  const painted = []
  for (const card of page.querySelectorAll("[data-own] > [data-state]")) {
    const old = document.getElementById(card.id)
    if (!old || old.innerHTML === card.innerHTML || old.contains(document.activeElement)) continue
    if (old.dataset.state !== card.dataset.state && card.dataset.state === "wall") painted.push(card)
    const box = card.querySelector('input[name="ids"]')
    if (box) box.checked = old.querySelector('input[name="ids"]')?.checked ?? false
    old.replaceWith(card)
  }
  const facts = page.querySelector(".mine__facts")
  if (facts) document.querySelector(".mine__facts").replaceWith(facts)
  if (painted.length) document.querySelector("[data-said]").textContent = painted.length === 1 ? "A picture is painted." : `${painted.length} pictures are painted.`
  if (!page.querySelector("[data-waiting]")) list.removeAttribute("data-waiting")
}

if (list?.hasAttribute("data-waiting")) setTimeout(look, 4000)

// Long lists of prompts: the words go to the clipboard.
if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy-words]")) {
  button.hidden = false
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.value)
    document.querySelector("[data-said]").textContent = "Copied."
  })
}

// A page that comes back from the browser's memory holds the name of a sending that was used.
addEventListener("pageshow", event => {
  if (event.persisted && document.querySelector("[data-fresh]")) location.reload()
})

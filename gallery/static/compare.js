// Moves the border between the two pictures of a comparison: with its slider, or a pointer on the pictures.

const compare = document.querySelector("[data-compare]")
if (compare) {
  const range = compare.querySelector("input")
  const show = () => {
    compare.style.setProperty("--share", `${range.value}%`)
    range.setAttribute("aria-valuetext", `${range.value} %`)
  }
  const follow = ({ target, clientX, buttons }) => {
    if (!buttons || !target.matches(".compare__picture")) return
    const box = target.getBoundingClientRect()
    range.value = 100 * (clientX - box.left) / box.width
    show()
  }
  range.addEventListener("input", show)
  compare.addEventListener("pointerdown", follow)
  compare.addEventListener("pointermove", follow)
  compare.addEventListener("dragstart", event => event.preventDefault())
  show()
}

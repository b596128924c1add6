// The pictures of a creation in full size, in a dialog, on its page and over a feed. Without it, the pictures link to
// their files.

const MAX_SCALE = 6

const template = () => `<form method="dialog"><button class="button">${gettext('Close')}</button></form>
<div class="zoom__stage" tabindex="0"><img class="zoom__picture" alt=""></div>
<p class="zoom__bar"><button class="button" type="button" data-walk="previous">${gettext('Previous')}</button>
<button class="button" type="button" aria-pressed="false" data-size>${gettext('Full size')}</button>
<span role="status"></span><button class="button" type="button" data-walk="next">${gettext('Next')}</button></p>`

class Zoom {
  constructor() {
    const dialog = this.dialog = document.createElement('dialog')
    dialog.className = 'zoom'
    dialog.setAttribute('aria-label', gettext('Full size'))
    dialog.innerHTML = template()
    this.stage = dialog.querySelector('.zoom__stage')
    this.picture = dialog.querySelector('img')
    this.toggle = dialog.querySelector('[data-size]')
    this.listen()
  }

  listen() {
    this.dialog.addEventListener('close', () => this.links[this.at].focus())
    this.dialog.addEventListener('keydown', event => {
      if (event.key === '+' || event.key === '=') this.by(1.25)
      else if (event.key === '-') this.by(0.8)
      // Arrows scroll an enlarged picture. Else shortcuts.js presses the buttons.
      else if (this.scale > 1 && event.key.startsWith('Arrow')) event.stopPropagation()
    })
    for (const button of this.dialog.querySelectorAll('[data-walk]')) {
      button.addEventListener('click', () => this.go(button.dataset.walk === 'next' ? 1 : -1))
    }
    this.toggle.addEventListener('click', () => this.fullSize())
    this.picture.addEventListener('dblclick', event => this.fullSize(event))
    this.stage.addEventListener('click', event => event.target === this.stage && this.dialog.close())
    this.stage.addEventListener('wheel', event => {
      event.preventDefault()
      this.by(event.deltaY < 0 ? 1.15 : 1 / 1.15, event)
    }, {passive: false})
    this.picture.addEventListener('load', () => this.to(1))
    addEventListener('resize', () => this.dialog.open && this.to(1))
    this.drag()
  }

  drag() {
    // A finger scrolls and pinches by itself; a mouse is helped.
    this.picture.addEventListener('dragstart', event => event.preventDefault())
    this.stage.addEventListener('pointermove', event => {
      if (event.pointerType === 'mouse' && event.buttons === 1) this.stage.scrollBy(-event.movementX, -event.movementY)
    })
  }

  open(links, number) {
    this.links = links
    for (const button of this.dialog.querySelectorAll('[data-walk]')) button.hidden = links.length < 2
    this.show(number)
    document.body.append(this.dialog) // the last dialog is on top
    this.dialog.showModal()
    this.stage.focus()
  }

  go(step) {
    this.show((this.at + step + this.links.length) % this.links.length)
  }

  show(number) {
    this.at = number
    const shown = this.links[number].querySelector('.frame__picture')
    this.picture.alt = shown.alt
    this.natural = Number(shown.getAttribute('width'))
    this.ratio = this.natural / Number(shown.getAttribute('height'))
    this.scale = 1
    this.picture.src = this.links[number].href
    this.dialog.querySelector('[role=status]').textContent =
      this.links.length > 1 ? gettext('{number} of {total}', {number: number + 1, total: this.links.length}) : ''
  }

  // As much of the stage as it fills when all of it is seen
  get fitting() {
    return Math.min(this.stage.clientWidth, this.stage.clientHeight * this.ratio)
  }

  fullSize(where) {
    this.to(this.scale === 1 ? Math.max(this.natural / this.fitting, 1.5) : 1, where)
  }

  by(factor, where) {
    this.to(this.scale * factor, where)
  }

  // Scale the picture; the place under the pointer stays where it is.
  to(scale, where) {
    const box = this.picture.getBoundingClientRect()
    const stage = this.stage.getBoundingClientRect()
    const at = where ? [where.clientX, where.clientY] : [stage.x + stage.width / 2, stage.y + stage.height / 2]
    const part = [(at[0] - box.x) / (box.width || 1), (at[1] - box.y) / (box.height || 1)]
    this.scale = Math.min(MAX_SCALE, Math.max(1, scale))
    this.picture.style.width = `${this.fitting * this.scale}px`
    this.toggle.setAttribute('aria-pressed', this.scale > 1)
    const after = this.picture.getBoundingClientRect()
    this.stage.scrollBy(after.x + part[0] * after.width - at[0], after.y + part[1] * after.height - at[1])
  }
}

let zoom

document.addEventListener('click', event => {
  const link = event.target.closest?.('.creation__full')
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  zoom ??= new Zoom()
  const links = [...link.parentElement.querySelectorAll('.creation__full')]
  zoom.open(links, links.indexOf(link))
})

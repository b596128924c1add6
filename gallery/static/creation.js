// The page of a creation: zoom, copy, share, and wait for the picture without a reload.

const announce = text => {
  const status = document.querySelector('[data-status]')
  if (status) status.textContent = text
}

// Copying and sharing: buttons that only a script can press
async function copy(text, label) {
  try {
    await navigator.clipboard.writeText(text)
    announce(`Copied ${label}.`)
  } catch {
    announce(`Your browser does not let this page copy ${label}.`)
  }
}

function textToCopy(button) {
  if ('copyAddress' in button.dataset) return location.origin + location.pathname
  return button.dataset.copy ?? document.getElementById(button.dataset.copyFrom).textContent
}

function prepareButtons() {
  for (const button of document.querySelectorAll('[data-copy], [data-copy-from], [data-copy-address]')) {
    button.hidden = !navigator.clipboard
    button.addEventListener('click', () => copy(textToCopy(button), button.dataset.copyLabel))
  }
  for (const button of document.querySelectorAll('[data-share]')) {
    button.hidden = !navigator.share
    button.addEventListener('click', () => {
      navigator.share({title: button.dataset.share, url: location.origin + location.pathname}).catch(() => {})
    })
  }
}

function closeMenu(menu) {
  menu.open = false
  menu.querySelector('summary').focus()
}

document.addEventListener('keydown', event => {
  const menu = event.key === 'Escape' && document.activeElement?.closest('.menu[open]')
  if (menu) closeMenu(menu)
})
document.addEventListener('click', event => {
  for (const menu of document.querySelectorAll('.menu[open]')) if (!menu.contains(event.target)) menu.open = false
  const done = event.target.closest?.('.menu [data-copy-address], .menu [data-share], .menu a')
  if (done) closeMenu(done.closest('.menu'))
})

// Zoom: a dialog with the pictures of this page
const ZOOM = `<form method="dialog"><button class="button" value="">Close</button></form>
<div class="zoom__stage" tabindex="0"><img class="zoom__picture" alt=""></div>
<p class="zoom__bar"><button class="button" type="button" data-step="-1">Before</button>
<button class="button" type="button" aria-pressed="false" data-size>Full size</button>
<span role="status"></span><button class="button" type="button" data-step="1">Next</button></p>`
const MAX_SCALE = 6

class Zoom {
  constructor(links) {
    this.links = links
    this.dialog = document.createElement('dialog')
    this.dialog.className = 'zoom'
    this.dialog.setAttribute('aria-label', 'The picture, large')
    this.dialog.innerHTML = ZOOM
    document.body.append(this.dialog)
    this.stage = this.dialog.querySelector('.zoom__stage')
    this.picture = this.dialog.querySelector('img')
    this.toggle = this.dialog.querySelector('[data-size]')
    this.listen()
  }

  listen() {
    this.dialog.addEventListener('close', () => this.links[this.at].focus())
    this.dialog.addEventListener('keydown', event => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[event.key]
      if (step && this.scale === 1) this.go(step)
      else if (event.key === '+' || event.key === '=') this.by(1.25)
      else if (event.key === '-') this.by(0.8)
    })
    for (const button of this.dialog.querySelectorAll('[data-step]')) {
      button.hidden = this.links.length < 2
      button.addEventListener('click', () => this.go(Number(button.dataset.step)))
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

  open(number) {
    this.show(number)
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
      this.links.length > 1 ? `${number + 1} of ${this.links.length}` : ''
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

function prepareZoom() {
  document.querySelector('.zoom')?.remove()
  const links = [...document.querySelectorAll('.creation__full')]
  if (!links.length || !window.HTMLDialogElement) return
  const zoom = new Zoom(links)
  links.forEach((link, number) => link.addEventListener('click', event => {
    if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    zoom.open(number)
  }))
}

// Waiting: a stream pushes the progress; without one, poll every few seconds
function watch() {
  const progressText = document.querySelector('[data-live]')
  if (!progressText) return
  const {live, state, refresh} = progressText.dataset
  let stream, timer, releaseSlot, isOver = false
  const pause = () => {
    stream?.close()
    stream = null
    releaseSlot?.()
    releaseSlot = null
    clearTimeout(timer)
  }
  const stop = () => {
    isOver = true
    pause()
    document.removeEventListener('visibilitychange', onVisibilityChange)
  }
  const renew = async () => {
    stop()
    if (!await swap()) retry()
  }
  const retry = () => setTimeout(watch, refresh * 1000)
  const poll = () => {
    clearTimeout(timer)
    timer = setTimeout(renew, refresh * 1000)
  }
  const isWanted = () => !isOver && !stream && document.visibilityState === 'visible'
  const listen = async () => {
    const release = await window.live.acquireCreationSlot()
    if (!isWanted()) return release?.()
    if (!release) return poll()
    releaseSlot = release
    stream = new EventSource(`/live?creation=${live}`)
    stream.addEventListener('creation', event => {
      const progress = JSON.parse(event.data)
      if (progress.ready || progress.state !== state) renew()
      else if (progress.text && progressText.textContent !== progress.text) progressText.textContent = progress.text
    })
    stream.addEventListener('error', () => stream.readyState === EventSource.CLOSED && !isOver && poll())
  }
  // A hidden page needs no stream.
  const onVisibilityChange = () => {
    pause()
    if (document.visibilityState === 'visible') listen()
  }
  document.addEventListener('visibilitychange', onVisibilityChange)
  if (document.visibilityState === 'visible') listen()
}

// Replace the content by that of the current page. Returns whether it could be fetched.
async function swap() {
  let text
  try {
    const response = await fetch(location.href, {headers: {Accept: 'text/html'}})
    if (response.status >= 500) return false
    text = await response.text()
  } catch {
    return false
  }
  const fresh = new DOMParser().parseFromString(text, 'text/html')
  const main = document.querySelector('main'), before = document.activeElement
  const hadFocus = main.contains(before) && before !== main
  for (const link of fresh.querySelectorAll('head link[rel=stylesheet]')) {
    if (!document.querySelector(`link[href="${link.getAttribute('href')}"]`)) document.head.append(document.importNode(link))
  }
  main.replaceChildren(...fresh.querySelector('main').childNodes)
  document.title = fresh.title
  for (const script of fresh.querySelectorAll('head script[type=module]')) import(script.getAttribute('src'))
  if (hadFocus) main.focus()
  begin()
  if (main.querySelector('.creation')) announce('The picture is ready.')
  return true
}

function begin() {
  prepareButtons()
  prepareZoom()
  watch()
}

begin()

// Boards: announce what changed, and replace the menu.
document.addEventListener('submit', async event => {
  const form = event.target.closest('.menu .collect'), menu = form?.closest('.menu')
  if (!form) return
  event.preventDefault()
  if (form.dataset.sent) return
  form.dataset.sent = 'yes'
  try {
    const response = await fetch(form.action, {method: 'POST', body: new FormData(form), headers: {Accept: 'application/json'}})
    if (!response.ok) throw new Error(response.status)
    const {words} = await response.json()
    const page = await (await fetch(location.href, {cache: 'no-store'})).text()
    const fresh = new DOMParser().parseFromString(page, 'text/html').querySelector('.menu:has(.collect)')
    menu.replaceWith(fresh)
    fresh.querySelector('summary').focus()
    announce(words)
  } catch { form.submit() }
})

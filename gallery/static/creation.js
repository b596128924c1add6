// The page of a creation, also when it is shown over a feed: copy, share, more by its author, and wait for the picture
// without a reload.

// A dialog hides what is outside from screen readers.
const announce = (text, near = document.querySelector('main')) => {
  const status = near?.closest('dialog, main')?.querySelector('[data-status]')
  if (status) status.textContent = text
}

// Copying and sharing: buttons that only a script can press
async function copy(button) {
  try {
    await navigator.clipboard.writeText(textToCopy(button))
    announce(button.dataset.copied, button)
    showDone(button)
  } catch {
    announce(gettext('Your browser does not let this page copy.'), button)
  }
}

const DONE_MILLISECONDS = 2000

function showDone(button) {
  if (button.dataset.before) return
  button.dataset.before = button.textContent
  button.textContent = gettext('Copied')
  setTimeout(() => {
    button.textContent = button.dataset.before
    delete button.dataset.before
  }, DONE_MILLISECONDS)
}

function textToCopy(button) {
  if ('copyAddress' in button.dataset) return location.origin + location.pathname
  return button.dataset.copy ?? button.closest('[data-creation]').querySelector('[data-prompt]').textContent
}

const share = title => navigator.share({title, url: location.origin + location.pathname}).catch(() => {})

document.addEventListener('click', event => {
  const button = event.target.closest?.('article [data-copied], article [data-share]')
  if (button) 'share' in button.dataset ? share(button.dataset.share) : copy(button)
})
document.addEventListener('toggle', event => {
  for (const button of event.target.querySelectorAll('[data-share]')) button.hidden = !navigator.share
}, true)

// More pictures: fetched when their place comes near the screen
const nearing = new IntersectionObserver(entries => {
  for (const {isIntersecting, target} of entries) if (isIntersecting) fill(target)
}, {rootMargin: '300px'})

async function fill(section) {
  nearing.unobserve(section)
  try {
    const response = await fetch(section.dataset.around)
    if (response.ok) section.innerHTML = await response.text()
  } catch { /* its links lead to the same pictures */ }
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
  let fresh
  try { fresh = await window.pages.load(location.href) } catch { return false }
  const main = document.querySelector('main'), before = document.activeElement
  const hadFocus = main.contains(before) && before !== main
  main.replaceChildren(...fresh.querySelector('main').childNodes)
  document.title = fresh.title
  if (hadFocus) main.focus()
  begin()
  if (main.querySelector('.creation')) announce(gettext('The picture is ready.'))
  return true
}

function begin() {
  for (const section of document.querySelectorAll('[data-around]')) nearing.observe(section)
  watch()
}

begin()
addEventListener('content', begin)

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
    announce(words, fresh)
  } catch { form.submit() }
})

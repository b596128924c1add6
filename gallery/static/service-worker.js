// Shows a page of its own if a page cannot be reached. The server writes VERSION and FILES above: the offline page and its
// files, the only ones that are stored.

const NAME = `offline ${VERSION}`
const [PAGE, ...PARTS] = FILES

addEventListener("install", event => event.waitUntil(store()))
addEventListener("activate", event => event.waitUntil(activate()))
addEventListener("fetch", event => {
  const { request } = event, { pathname, search } = new URL(request.url)
  if (PARTS.includes(pathname + search)) event.respondWith(fetch(request).catch(() => stored(request)))
  else if (request.mode === "navigate" && request.method === "GET") event.respondWith(load(event).catch(() => stored(PAGE)))
})

async function store() {
  const cache = await caches.open(NAME)
  await cache.addAll(FILES.map(path => new Request(path, { credentials: "omit", cache: "reload" })))
}

async function activate() {
  const names = await caches.keys()
  await Promise.all(names.filter(name => name !== NAME).map(name => caches.delete(name)))
  await registration.navigationPreload?.enable()
}

// The browser sends the request while this script starts.
const load = async event => await event.preloadResponse ?? await fetch(event.request)
const stored = async request => await caches.match(request, { ignoreVary: true }) ?? Response.error()

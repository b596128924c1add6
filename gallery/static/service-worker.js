// Shows a page of its own if a page cannot be reached. The server writes VERSION and FILES above: the offline page and its
// files, the only ones that are stored.

const NAME = `offline ${VERSION}`
// Downloads, and streams that a page does not wait for.
const NO_PAGES = /\/download\/|^\/me\/data|^\/live/

addEventListener("install", event => event.waitUntil(store()))
addEventListener("activate", event => event.waitUntil(deleteOlder()))
addEventListener("fetch", event => {
  const { pathname, search } = new URL(event.request.url)
  if (FILES.slice(1).includes(pathname + search)) event.respondWith(fetch(event.request).catch(() => stored(event.request)))
  else if (isPage(event.request, pathname)) event.respondWith(fetch(event.request).catch(() => stored(FILES[0])))
})

async function store() {
  const cache = await caches.open(NAME)
  await cache.addAll(FILES.map(path => new Request(path, { credentials: "omit", cache: "reload" })))
}

async function deleteOlder() {
  const names = await caches.keys()
  await Promise.all(names.filter(name => name !== NAME).map(name => caches.delete(name)))
}

const isPage = (request, pathname) => request.mode === "navigate" && request.method === "GET" && !NO_PAGES.test(pathname)
const stored = async request => await caches.match(request, { ignoreVary: true }) ?? Response.error()

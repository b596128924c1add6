// On the page without a connection: goes on to the page that was asked for as soon as the site can be reached again.

const RETRY_SECONDS = 5

async function goOn() {
  const response = await fetch("/offline", { method: "HEAD", cache: "no-store" }).catch(() => null)
  if (response?.ok) location.reload()
}

addEventListener("online", goOn)
setInterval(goOn, 1000 * RETRY_SECONDS)

// Keeps an open page fresh and posts without leaving it. Everything works without this file, with plain forms.
// Markup comes from our own templates (escaped there); texts are only ever set through the DOM.

const threads = document.querySelector("#threads[data-live]");
const liveBadge = document.querySelector(".live");
// The sandbox's clock may be ahead of this one; the ages of posts follow it.
const clockOffset = (Number(document.body.dataset.now) || Date.now()) - Date.now();
let busy = false;
let again = false;

/** Fetches the first page's threads and puts what is new or changed in its place. */
async function refresh() {
  if (!threads) return;
  if (busy) { again = true; return; }
  busy = true;
  try {
    const response = await fetch("/page/threads");
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    merge([...fresh.querySelectorAll(".thread")]);
    document.querySelector(".meter").replaceWith(document.adoptNode(fresh.querySelector(".meter")));
    updateTimes();
  } catch {
    // The sandbox does not answer; an event says when it is back.
  } finally {
    // Wait half a second, so that a burst of posts does not become a burst of pages.
    setTimeout(() => { busy = false; if (again) { again = false; refresh(); } }, 500);
  }
}

function merge(incoming) {
  threads.querySelector(".empty")?.remove();
  // What is no longer on the first page (deleted, or moved to the next) goes, unless a reply to it is being written.
  const stays = new Set(incoming.map((thread) => thread.id));
  for (const thread of threads.querySelectorAll(".thread")) {
    if (!stays.has(thread.id) && !thread.querySelector("details.reply[open]")) thread.remove();
  }
  const known = new Map([...threads.querySelectorAll(".thread")].map((thread) => [thread.id, thread]));
  let before = threads.firstElementChild;
  for (const thread of incoming) {
    const old = known.get(thread.id);
    const node = document.adoptNode(thread);
    if (!old) {
      node.classList.add("fresh");
      threads.insertBefore(node, before);
    } else if (old.dataset.stamp !== node.dataset.stamp) {
      preserveOpenDetails(old, node);
      old.replaceWith(node);
      if (before === old) before = node;
    }
  }
}

/** Carries a half-written reply and opened descriptions over to the new version of their thread. */
function preserveOpenDetails(old, node) {
  const there = new Set([...old.querySelectorAll(".post")].map((post) => post.id));
  for (const post of node.querySelectorAll(".post")) {
    if (!there.has(post.id)) { post.classList.add("fresh"); continue; }
    const was = old.querySelector(`#${post.id}`);
    const open = was.querySelector("details.reply[open]");
    if (open) post.querySelector("details.reply").replaceWith(open);
    was.querySelectorAll("details.alt").forEach((alt, place) => {
      const twin = post.querySelectorAll("details.alt")[place];
      if (twin) twin.open = alt.open;
    });
  }
}

/** "3m" from a moment: the same words as the server's. */
function age(moment) {
  const seconds = Math.max(0, Math.floor((Date.now() + clockOffset - moment) / 1000));
  for (const [size, letter] of [[86400, "d"], [3600, "h"], [60, "m"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)}${letter}`;
  }
  return seconds < 5 ? "now" : `${seconds}s`;
}

function updateTimes() {
  for (const time of document.querySelectorAll("time")) {
    const words = age(Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
    time.title = new Date(time.dateTime).toLocaleString();
  }
}

/** Selects an author in all forms, and shows the delete buttons of their posts. */
function selectAuthor(username) {
  for (const select of document.querySelectorAll("select[name=author]")) {
    if ([...select.options].some((option) => option.value === username)) select.value = username;
    const face = select.closest("label").querySelector(".face");
    if (face) face.src = `/avatar/${encodeURIComponent(select.value)}.svg`;
  }
  for (const input of document.querySelectorAll("input[name=author][list]")) input.value = username;
  for (const form of document.querySelectorAll(".delete-form")) form.hidden = form.dataset.author !== username;
}

function currentAuthor() {
  return document.querySelector("select[name=author]")?.value;
}

async function send(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const error = new URL(response.url).searchParams.get("error");
    showError(response.ok ? error : "The sandbox could not take this post.");
    if (!response.ok || error) return;
    const text = form.querySelector("textarea");
    if (text) text.value = form.classList.contains("big") ? `@${document.body.dataset.bot} ` : "";
    const photo = form.querySelector("input[type=file]");
    if (photo) photo.value = "";
    form.closest("details.reply")?.removeAttribute("open");
    await refresh();
  } catch {
    showError("The sandbox does not answer.");
  } finally {
    button.disabled = false;
  }
}

function showError(error) {
  document.querySelector(".error")?.remove();
  if (!error) return;
  const line = document.createElement("p");
  line.className = "error";
  line.setAttribute("role", "alert");
  line.textContent = error;
  document.querySelector("main").prepend(line);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("select[name=author]")) selectAuthor(event.target.value);
});
document.addEventListener("submit", (event) => {
  if (!threads || !event.target.matches(".composer, .delete-form")) return;
  event.preventDefault();
  send(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) event.target.form.requestSubmit();
});
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details.reply[open]")) event.target.querySelector("textarea").focus();
}, true);

if (threads) {
  const events = new EventSource("/page/events");
  events.addEventListener("hello", (event) => {
    liveBadge.hidden = false;
    liveBadge.classList.remove("off");
    if (event.data !== document.body.dataset.version) refresh();
  });
  events.addEventListener("change", refresh);
  events.addEventListener("error", () => liveBadge.classList.add("off"));
  // A proxy may swallow events: refresh now and then.
  setInterval(() => { if (!document.hidden) refresh(); }, 15000);
  new MutationObserver(() => selectAuthor(currentAuthor())).observe(threads, { childList: true });
}
setInterval(updateTimes, 10000);
updateTimes();

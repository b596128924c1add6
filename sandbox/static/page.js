// Keeps an open page fresh and posts without leaving it. Everything works without this file, with plain forms.
// Markup comes from our own templates (escaped there); texts are only ever set through the DOM.

const threads = document.querySelector("#threads[data-live]");
const lamp = document.querySelector(".live");
// The world's clock may have been turned; posts are as old as it says.
const ahead = (Number(document.body.dataset.now) || Date.now()) - Date.now();
let busy = false;
let again = false;

/** Fetches the first page's threads and puts what is new or changed in its place. */
async function refresh() {
  if (!threads) return;
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch("/page/threads");
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    merge([...fresh.querySelectorAll(".thread")]);
    document.querySelector(".meter").replaceWith(document.adoptNode(fresh.querySelector(".meter")));
    tell();
  } catch {
    // The sandbox is away for a moment; the bell will say when it is back.
  } finally {
    // Half a second of rest, so that a burst of posts does not become a burst of pages.
    setTimeout(() => { busy = false; if (again) { again = false; refresh(); } }, 500);
  }
}

function merge(incoming) {
  threads.querySelector(".empty")?.remove();
  // What is no longer on the first page (deleted, or moved to the next) goes, unless a reply to it is being written.
  const stays = new Set(incoming.map((one) => one.id));
  for (const one of threads.querySelectorAll(".thread")) {
    if (!stays.has(one.id) && !one.querySelector("details.reply[open]")) one.remove();
  }
  const known = new Map([...threads.querySelectorAll(".thread")].map((one) => [one.id, one]));
  let before = threads.firstElementChild;
  for (const thread of incoming) {
    const old = known.get(thread.id);
    const node = document.adoptNode(thread);
    if (!old) {
      node.classList.add("fresh");
      threads.insertBefore(node, before);
    } else if (old.dataset.stamp !== node.dataset.stamp) {
      keepWhatIsOpen(old, node);
      old.replaceWith(node);
      if (before === old) before = node;
    }
  }
}

/** A half-written reply and an opened description survive the exchange of their thread. */
function keepWhatIsOpen(old, node) {
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
  const seconds = Math.max(0, Math.floor((Date.now() + ahead - moment) / 1000));
  for (const [size, letter] of [[86400, "d"], [3600, "h"], [60, "m"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)}${letter}`;
  }
  return seconds < 5 ? "now" : `${seconds}s`;
}

function tell() {
  for (const time of document.querySelectorAll("time")) {
    const words = age(Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
    time.title = new Date(time.dateTime).toLocaleString();
  }
}

/** Whoever was picked last speaks everywhere, and may delete what is theirs. */
function become(username) {
  for (const select of document.querySelectorAll("select[name=author]")) {
    if ([...select.options].some((option) => option.value === username)) select.value = username;
    const face = select.closest("label").querySelector(".face");
    if (face) face.src = `/avatar/${encodeURIComponent(select.value)}.svg`;
  }
  for (const input of document.querySelectorAll("input[name=author][list]")) input.value = username;
  for (const form of document.querySelectorAll(".unsay")) form.hidden = form.dataset.author !== username;
}

function me() {
  return document.querySelector("select[name=author]")?.value;
}

async function send(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    const trouble = new URL(answer.url).searchParams.get("trouble");
    say(answer.ok ? trouble : "The sandbox could not take this post.");
    if (!answer.ok || trouble) return;
    const words = form.querySelector("textarea");
    if (words) words.value = form.classList.contains("big") ? `@${document.body.dataset.bot} ` : "";
    const photo = form.querySelector("input[type=file]");
    if (photo) photo.value = "";
    form.closest("details.reply")?.removeAttribute("open");
    await refresh();
  } catch {
    say("The sandbox does not answer.");
  } finally {
    button.disabled = false;
  }
}

function say(trouble) {
  document.querySelector(".trouble")?.remove();
  if (!trouble) return;
  const line = document.createElement("p");
  line.className = "trouble";
  line.setAttribute("role", "alert");
  line.textContent = trouble;
  document.querySelector("main").prepend(line);
}

document.addEventListener("change", (event) => {
  if (event.target.matches("select[name=author]")) become(event.target.value);
});
document.addEventListener("submit", (event) => {
  if (!threads || !event.target.matches(".composer, .unsay")) return;
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
  const bell = new EventSource("/page/bell");
  bell.addEventListener("hello", (event) => {
    lamp.hidden = false;
    lamp.classList.remove("off");
    if (event.data !== document.body.dataset.rung) refresh();
  });
  bell.addEventListener("change", refresh);
  bell.addEventListener("error", () => lamp.classList.add("off"));
  // A proxy may swallow events: look by ourselves now and then.
  setInterval(() => { if (!document.hidden) refresh(); }, 15000);
  new MutationObserver(() => become(me())).observe(threads, { childList: true });
}
setInterval(tell, 10000);
tell();

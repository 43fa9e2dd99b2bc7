// What the shop's pages can do without: countdowns, live stock, the hours' picker. The server's page is
// the truth; when its time comes it is fetched, and its main part takes the old one's place.
(() => {
const $ = (id) => document.getElementById(id);
const lang = document.documentElement.lang;
const two = (n) => String(n).padStart(2, "0");
const number = (n) => n.toLocaleString(lang);
const spread = (ms) => ms * (0.9 + Math.random() * 0.2);

let main, born, renewing = false, watching, renewal, failures = 0, typed = false;

// ---- Countdowns: the server says how many seconds are left, the device counts how long ago that was.

function tick() {
  const gone = (Date.now() - born) / 1000;
  let over = false;
  for (const node of document.querySelectorAll("[data-left]")) {
    const left = Math.max(0, Math.ceil(node.dataset.left - gone));
    const h = Math.floor(left / 3600), m = Math.floor((left % 3600) / 60), s = left % 60;
    if (node.tagName === "PROGRESS") node.value = left;
    else node.textContent = h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
    over ||= left === 0 && Number(node.dataset.left) > 0;
  }
  if (over && !renewing) renew(spread(1500));
}

// ---- The page as it is now

async function page(answer) {
  const kind = answer.headers.get("Content-Type") ?? "";
  if (!answer.ok || !kind.startsWith("text/html")) throw answer;
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function request(url, options) {
  const signal = AbortSignal.timeout?.(20000);
  return fetch(url, { credentials: "same-origin", cache: "no-store", signal, ...options });
}

// Fetches the page and shows it; never while something is being typed.
function renew(ms) {
  if (typed) return;
  renewing = true;
  clearTimeout(watching);
  clearTimeout(renewal);
  renewal = setTimeout(async () => {
    try {
      show(await page(await request(location.href)));
      failures = 0;
    } catch {
      failures = Math.min(failures + 1, 5);
      renew(spread(2000 * 2 ** failures));
    }
  }, ms);
}

function show(next) {
  const focus = document.activeElement?.id;
  const open = [...main.querySelectorAll("details[open][id]")].map((node) => node.id);
  const heading = main.querySelector("h1")?.textContent;
  main.replaceWith(document.adoptNode(next.querySelector("main")));
  document.title = next.title;
  for (const id of open) if ($(id)) $(id).open = true;
  if (focus) $(focus)?.focus({ preventScroll: true });
  begin();
  const now = main.querySelector("h1")?.textContent;
  if (now !== heading) $("said").textContent = now;
}

// ---- The stock of a deal that is a sale of the engine

function watch(ms) {
  clearTimeout(watching);
  watching = setTimeout(async () => {
    try {
      const sale = await (await request(main.dataset.status)).json();
      const [offer] = sale.offers;
      const state = sale.state === "open" ? (sale.paused ? "paused" : "open") : sale.state;
      const shown = { scheduled: "coming", ended: "closed" }[main.dataset.state] ?? main.dataset.state;
      if (state !== shown && state !== "draining") return renew(spread(500));
      if ($("left")) $("left").textContent = main.dataset.stock.replace("{n}", number(offer.available)).replace("{m}", number(offer.total));
      if ($("stock")) $("stock").value = offer.available;
      failures = 0;
    } catch {
      failures = Math.min(failures + 1, 5);
    }
    if (!renewing) watch(spread(5000 * 2 ** failures));
  }, ms);
}

// ---- Hours: the first press is the start, the second the last; a range crosses no hour that is taken.

function hours(set) {
  const boxes = [...set.querySelectorAll("input[name=hour]")];
  let start = null;
  set.addEventListener("change", (event) => {
    const at = boxes.indexOf(event.target);
    if (at < 0) return;
    const [a, b] = start === null ? [at, at] : [Math.min(start, at), Math.max(start, at)];
    const free = boxes.slice(a, b + 1).every((box) => !box.disabled);
    const [from, to] = free ? [a, b] : [at, at];
    boxes.forEach((box, n) => { box.checked = n >= from && n <= to; });
    start = start === null || !free ? at : null;
    const [one, several] = set.dataset.picked.split("|"), n = to - from + 1;
    const words = (n === 1 ? one : several ?? one).replace("{n}", number(n));
    $("picked").textContent = `${words} · ${two(from)}:00–${two(to + 1)}:00`;
  });
}

// ---- What the page shows now

function begin() {
  main = document.querySelector("main");
  born = Date.now();
  renewing = false;
  typed = false;
  tick();
  main.querySelectorAll("[data-hours]").forEach(hours);
  if (main.dataset.renew) renew(spread(main.dataset.renew * 1000));
  if (main.dataset.status) watch(spread(5000));
}

// The header by which the page reloads where no script runs.
window.stop();
begin();
setInterval(tick, 1000);
$("errors")?.focus();

document.addEventListener("input", () => { typed = true; });

// A form is sent once: a second press does nothing for three seconds. One that says so is answered in
// place.
document.addEventListener("submit", async (event) => {
  const form = event.target, sent = Number(form.dataset.sent ?? -Infinity);
  if (performance.now() - sent < 3000) return event.preventDefault();
  form.dataset.sent = performance.now();
  if (!("inline" in form.dataset)) return;
  event.preventDefault();
  try {
    const answer = await request(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!answer.redirected || new URL(answer.url).pathname !== location.pathname) throw answer;
    show(await page(answer));
  } catch {
    form.submit();
  }
});

// A menu closes when one leaves it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector(".menu[open]");
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
window.addEventListener("pageshow", (event) => event.persisted && renew(0));
})();

// What a page can do without: times in the reader's own zone, countdowns, and the room kept up to date.
//
// The ticket stays in its HttpOnly cookie; no script sees it. The server's page is the truth: when the
// state changes, the page is fetched and its parts are put in place of the old ones, so that a screen
// reader keeps its place and a proxy's error page never takes the room's. Whatever fails is tried
// again, each time after a longer pause.
(() => {
const $ = (id) => document.getElementById(id);
const lang = document.documentElement.lang;
const two = (n) => String(n).padStart(2, "0");
const number = (n) => n.toLocaleString(lang);
const spread = (ms) => ms * (0.9 + Math.random() * 0.2);
// As the server writes text into a page: without control characters.
const plain = (text) => (text ?? "").replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, " ");

// What the page is about, and where it stands.
let place, room, born, low, pace, estimated, spoken;
// What runs.
let polling, watching, renewal, stream, failures = 0, asking = false, renewing = false;
// What was asked for.
let sound = null, rings = false;

// ---- Times and countdowns

function localTimes() {
  const today = new Date().toDateString();
  for (const node of document.querySelectorAll("time[data-local]")) {
    const at = new Date(node.dateTime);
    const day = { month: "short", day: "numeric" }, hour = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const column = lang === "ko" ? { ...day, month: "numeric" } : day;
    const both = at.toDateString() === today ? hour : { ...day, ...hour };
    node.title = node.textContent;
    node.textContent = at.toLocaleString(lang, { hour, day: column }[node.dataset.local] ?? both);
    delete node.dataset.local;
  }
}

// The server says how many seconds are left; the device only counts how long ago that was.
function tick() {
  const gone = (Date.now() - born) / 1000;
  let over = false;
  for (const node of document.querySelectorAll("[data-left]")) {
    const left = Math.max(0, Math.ceil(node.dataset.left - gone));
    const h = Math.floor(left / 3600), m = Math.floor((left % 3600) / 60), s = left % 60;
    if (node.tagName === "PROGRESS") node.value = left;
    else node.textContent = h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
    over ||= left === 0;
  }
  if (over && !renewing) renew(500 + Math.random() * 1500);
}

// ---- The server

function pause(ms) {
  failures = Math.min(failures + 1, 5);
  if (failures > 1 && $("late")) $("late").hidden = false;
  return Math.min(60000, Math.max(ms, 1000) * 2 ** failures) * (0.75 + Math.random() / 2);
}

function request(url) {
  const signal = AbortSignal.timeout?.(20000);
  return fetch(url, { credentials: "same-origin", cache: "no-store", signal });
}

function isPage(answer) {
  return (answer.headers.get("Content-Type") ?? "").startsWith("text/html");
}

// Fetches the page and shows what is new in it.
function renew(ms = 0) {
  renewing = true;
  for (const timer of [polling, watching, renewal]) clearTimeout(timer);
  renewal = setTimeout(async () => {
    try {
      const answer = await request(location.href);
      if (answer.status >= 500 || answer.status === 429 || !isPage(answer)) throw answer;
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      failures = 0;
    } catch {
      renew(pause(1000));
    }
  }, ms);
}

function show(page) {
  const message = $("message")?.textContent;
  const open = [...document.querySelectorAll("details[open][id]")].map((node) => node.id);
  for (const part of ["main", "footer"]) {
    const now = page.querySelector(part);
    if (now) document.querySelector(part).replaceWith(document.adoptNode(now));
  }
  document.body.className = page.body.className;
  document.title = page.title;
  for (const id of open) if ($(id)) $(id).open = true;
  begin();
  // An alert speaks for itself.
  if (!document.querySelector("main [role=alert]")) {
    const news = $("message")?.textContent;
    say(news && news !== message ? news : document.querySelector("h1").textContent);
  } else if (rings) ring();
}

// ---- The place

function say(text) {
  if ($("said")) $("said").textContent = text;
}

// The marks at which the line is spoken of: 100, 50, 10 and 1 ahead, not every step.
function markOf(ahead) {
  return [1, 10, 50, 100].find((mark) => ahead <= mark) ?? Infinity;
}

function waitOf(eta, words) {
  if (low === 1) return words.next;
  if (!eta) return words.unknown;
  if (eta.max < 60) return words.soon;
  const least = Math.max(1, Math.ceil(eta.min / 60)), most = Math.ceil(eta.max / 60);
  return least === most ? words.about.replace("{n}", number(most))
    : words.range.replace("{n}", number(least)).replace("{m}", number(most));
}

function update(now) {
  const words = place.dataset;
  if (now.state !== words.state || plain(now.message) !== plain(words.message)) return renew();
  // Another node may lag behind the one that was asked before.
  if (now.position < low) {
    low = now.position;
    if (words.floor) {
      document.cookie = `${words.floor}=${now.number}-${low}; Path=${location.pathname}; SameSite=Lax; Max-Age=86400`;
    }
  }
  const shown = words.state === "waiting" ? low - 1 : low;
  if ($("number")) {
    $("number").firstChild.data = number(shown);
    $("bar").value = $("bar").max - (low - 1);
    document.title = words.title.replace("{n}", number(shown));
  }
  if ($("eta")) $("eta").textContent = waitOf(now.eta_seconds, words);
  if (markOf(low - 1) < spoken) say(words.spoken.replace("{n}", number(low - 1)));
  spoken = Math.min(spoken, markOf(low - 1));
  seen();
  // No estimate any more, or one again: the line may stand still, or move again.
  const known = now.eta_seconds !== null;
  if (estimated !== undefined && estimated !== known) watch(0);
  estimated = known;
  pace = now.poll_after_ms;
}

function seen() {
  failures = 0;
  if ($("late")) $("late").hidden = true;
  const node = $("seen");
  if (!node) return;
  const now = new Date();
  node.dateTime = now.toISOString();
  node.textContent = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(":");
}

function isOver(answer) {
  const kind = answer.headers.get("Content-Type") ?? "";
  return [401, 404, 410].includes(answer.status) && kind.startsWith("application/problem+json");
}

function again(ms) {
  clearTimeout(polling);
  polling = setTimeout(ask, spread(ms));
}

// While the stream runs, a question a minute finds out whether it still does.
async function ask() {
  if (asking || renewing || !place) return;
  asking = true;
  clearTimeout(polling);
  try {
    const answer = await request(place.dataset.url);
    if (isOver(answer)) renew();
    else if (!answer.ok) throw answer;
    else update(await answer.json());
    if (!renewing) again(stream?.readyState === 1 ? 60000 : pace);
  } catch (fault) {
    const hint = Number(fault?.headers?.get?.("Retry-After")) || 0;
    again(Math.max(pause(pace / 2), hint * 1000));
  }
  asking = false;
}

// Changes come by themselves where the server has a stream to spare; elsewhere they are asked for.
function listen() {
  stream?.close();
  stream = null;
  if (!place || !window.EventSource) return;
  const mine = new EventSource(place.dataset.stream);
  stream = mine;
  mine.addEventListener("place", (event) => {
    if (mine !== stream || renewing) return;
    update(JSON.parse(event.data));
    if (!renewing) again(60000);
  });
  mine.addEventListener("gone", () => mine === stream && renew());
  mine.addEventListener("error", () => mine === stream && !renewing && again(pace));
}

// Whether the sale has opened, was paused or goes on; its stock.
function watch(ms) {
  clearTimeout(watching);
  watching = setTimeout(async () => {
    try {
      const answer = await request(room.status);
      if (answer.status === 404) return renew();
      const now = await answer.json();
      if (now.state !== room.state || String(now.paused) !== room.paused) return renew();
      const [offer] = now.offers;
      if ($("left")) $("left").textContent = room.stock.replace("{n}", number(offer.available)).replace("{m}", number(offer.total));
      if ($("stock")) $("stock").value = offer.available;
      if ($("line")) $("line").firstChild.data = number(now.line_length);
    } catch { /* The next one may succeed. */ }
    if (!renewing) watch(spread(60000));
  }, ms);
}

// ---- A sound and a notification, for who asks for them

function ring() {
  const note = sound.createOscillator(), volume = sound.createGain();
  volume.gain.setValueAtTime(0.2, sound.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 1.2);
  note.frequency.value = 660;
  note.connect(volume).connect(sound.destination);
  note.start();
  note.stop(sound.currentTime + 1.2);
  try {
    if (window.Notification?.permission === "granted") new Notification(document.title);
  } catch { /* Only from a service worker, on this device. */ }
}

function offer() {
  const button = $("tell");
  if (!button || !window.AudioContext) return;
  button.hidden = false;
  button.ariaPressed = String(rings);
  button.addEventListener("click", () => {
    rings = !rings;
    button.ariaPressed = String(rings);
    sound ??= new AudioContext();
    if (rings && isSecureContext) window.Notification?.requestPermission?.();
  });
}

// ---- What the page shows now

function begin() {
  born = Date.now();
  renewing = false;
  place = $("place");
  room = document.querySelector("main").dataset;
  localTimes();
  tick();
  offer();
  if (room.renew) renewal = setTimeout(renew, spread(room.renew * 1000));
  if (room.status) watch(spread(60000));
  if (place) {
    low = Number(place.dataset.position);
    pace = Number(place.dataset.poll);
    estimated = undefined;
    spoken = markOf(low - 1);
    again(pace);
  }
  listen();
}

// The header by which the page reloads where no script runs.
window.stop();
begin();
setInterval(tick, 1000);
$("refusal")?.focus();
// A form is sent once: a second press does nothing for three seconds.
document.addEventListener("submit", (event) => {
  const form = event.target, sent = Number(form.dataset.sent ?? -Infinity);
  if (performance.now() - sent < 3000) event.preventDefault();
  else form.dataset.sent = performance.now();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) setTimeout(ask, Math.random() * 300);
});
window.addEventListener("pageshow", (event) => event.persisted && renew());
})();

//! The scripts, all of which a page can do without: times in the visitor's own zone, countdowns, and
//! the position asked for again so that the page need not reload.
//!
//! The ticket stays in its `HttpOnly` cookie; no script sees it. When the state changes, the page is
//! loaded again: the server's page is the truth. It is asked for first, so that a proxy's error page
//! never takes the room's place. Whatever fails is tried again, each time after a longer pause.

pub(super) const SCRIPT: &str = r#"
(function () {
  var lang = document.documentElement.lang, failures = 0, leaving = false;
  var pause = function (ms) {
    failures = Math.min(failures + 1, 5);
    return Math.min(60000, Math.max(ms, 1000) * Math.pow(2, failures)) * (0.75 + Math.random() / 2);
  };
  var request = function (url, method) {
    var settings = { method: method, credentials: "same-origin", cache: "no-store" };
    if (window.AbortSignal && AbortSignal.timeout) settings.signal = AbortSignal.timeout(20000);
    return fetch(url, settings);
  };
  var reload = function () {
    leaving = true;
    request(location.href, "HEAD").then(function (answer) {
      if (answer.status >= 500 || answer.status === 429) throw answer;
      location.reload();
    }).catch(function () { setTimeout(reload, pause(1000)); });
  };
  var part = document.querySelector("[data-reload]");
  if (part) setTimeout(reload, Number(part.dataset.reload) * 1000);

  var clocks = [].slice.call(document.querySelectorAll("[data-left]")), born = Date.now();
  var two = function (n) { return n < 10 ? "0" + n : String(n); };
  var tick = function () {
    var over = false;
    clocks.forEach(function (clock) {
      var left = Math.max(0, Math.ceil(Number(clock.dataset.left) - (Date.now() - born) / 1000));
      var hours = Math.floor(left / 3600), rest = left % 3600;
      var text = (hours ? hours + ":" + two(Math.floor(rest / 60)) : Math.floor(rest / 60)) + ":" + two(rest % 60);
      clock.textContent = clock.dataset.words.replace("{n}", text);
      clock.hidden = false;
      if (left === 0) over = true;
    });
    if (over) return setTimeout(reload, 500 + Math.random() * 1500);
    setTimeout(tick, 1000);
  };
  if (clocks.length) tick();

  var at = document.getElementById("place");
  if (!at) return;
  var wait = Number(at.dataset.poll), first = Number(at.dataset.first), timer, asking = false;
  var low = Number(at.dataset.position), title = document.title;
  var show = function (id, text) {
    var node = document.getElementById(id);
    if (node && node.textContent !== text) node.textContent = text;
  };
  var number = function (n) { return n.toLocaleString(lang); };
  var plain = function (text) { return (text || "").replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, " "); };
  var again = function (ms) {
    clearTimeout(timer);
    timer = setTimeout(ask, ms * (0.9 + Math.random() * 0.2));
  };
  var tell = function (place) {
    if (place.state !== at.dataset.state || plain(place.message) !== plain(at.dataset.message)) {
      return reload();
    }
    // Another node may lag behind the one that was asked before.
    if (place.position < low) {
      low = place.position;
      if (at.dataset.floor) {
        document.cookie = at.dataset.floor + "=" + place.number + "-" + low + "; Path=" +
          location.pathname + "; SameSite=Lax; Max-Age=86400";
      }
    }
    show("position", number(low));
    var ahead = Math.max(0, low - 1);
    show("ahead", ahead === 0 ? at.dataset.next : ahead === 1 ? at.dataset.one
      : at.dataset.ahead.replace("{n}", number(ahead)));
    show("line", at.dataset.line.replace("{n}", number(place.line_length)));
    var eta = place.eta_seconds;
    show("eta", !eta ? at.dataset.unknown : eta.max < 60 ? at.dataset.soon
      : at.dataset.minutes.replace("{n}", number(Math.ceil(eta.min / 60)))
          .replace("{m}", number(Math.ceil(eta.max / 60))));
    var bar = document.getElementById("bar");
    if (bar && first > 0) bar.value = Math.max(0, first - low);
    if (at.dataset.state === "waiting") document.title = number(low) + " · " + title;
    wait = place.poll_after_ms;
    again(wait);
  };
  var over = function (answer) {
    var kind = answer.headers.get("Content-Type") || "";
    return [401, 404, 410].indexOf(answer.status) >= 0 && kind.indexOf("application/problem+json") === 0;
  };
  var ask = function () {
    if (asking || leaving) return;
    clearTimeout(timer);
    asking = true;
    request(at.dataset.url, "GET").then(function (answer) {
      if (over(answer)) return reload();
      if (!answer.ok) throw answer;
      return answer.json().then(function (place) {
        failures = 0;
        tell(place);
      });
    }).catch(function (fault) {
      var hint = fault && fault.headers ? Number(fault.headers.get("Retry-After")) || 0 : 0;
      again(Math.max(pause(wait / 2), hint * 1000));
    }).then(function () { asking = false; });
  };
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden) ask();
  });
  again(wait);
})();
"#;

pub(super) const LOCAL_TIMES: &str = r#"
document.querySelectorAll("time").forEach(function (node) {
  node.title = node.textContent;
  node.textContent = new Date(node.dateTime).toLocaleString(document.documentElement.lang,
    { dateStyle: "medium", timeStyle: "short" });
});
"#;

//! The scripts: one shows times in the visitor's own zone, the other asks for the position again and shows it, so that the page need not reload.
//!
//! The ticket stays in its `HttpOnly` cookie; the script never sees it. When the state changes, or
//! an answer is not a place, it reloads the page: the server's page is the truth. A failing
//! network waits longer each time.

pub(super) const SCRIPT: &str = r#"
(function () {
  var at = document.getElementById("place");
  if (!at) return;
  var wait = Number(at.dataset.poll), first = Number(at.dataset.first), failures = 0;
  var show = function (id, text) {
    var node = document.getElementById(id);
    if (node && node.textContent !== text) node.textContent = text;
  };
  var number = function (n) { return n.toLocaleString(document.documentElement.lang); };
  var again = function (ms) { setTimeout(ask, ms * (0.9 + Math.random() * 0.2)); };
  var ask = function () {
    fetch(at.dataset.url, { credentials: "same-origin", cache: "no-store" }).then(function (answer) {
      if (answer.status === 429 || answer.status === 503) {
        return again(Math.max(wait, 1000 * (Number(answer.headers.get("Retry-After")) || 2)));
      }
      if (!answer.ok) return location.reload();
      return answer.json().then(function (place) {
        failures = 0;
        if (place.state !== at.dataset.state) return location.reload();
        if ((place.message || "") !== at.dataset.message) return location.reload();
        show("position", number(place.position));
        show("ahead", at.dataset.ahead.replace("{n}", number(place.ahead)));
        show("line", at.dataset.line.replace("{n}", number(place.line_length)));
        var eta = place.eta_seconds;
        show("eta", !eta ? at.dataset.unknown : eta.max < 60 ? at.dataset.soon
          : at.dataset.minutes.replace("{n}", number(Math.ceil(eta.min / 60)))
              .replace("{m}", number(Math.ceil(eta.max / 60))));
        var bar = document.getElementById("bar");
        if (bar && first > 0) bar.value = Math.max(0, first - place.position);
        wait = place.poll_after_ms;
        again(wait);
      });
    }).catch(function () {
      failures += 1;
      again(Math.min(60000, Math.max(wait, 1000) * Math.pow(2, Math.min(failures, 5))));
    });
  };
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

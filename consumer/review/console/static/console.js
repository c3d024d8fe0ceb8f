// The reviewers' console: keys, countdowns, a draft that is kept, and word of what has changed.
// Every page works without it; nothing here is evaluated from a page.
"use strict";
(() => {
  const body = document.body;
  const status = document.getElementById("status");
  // The server's clock counts: a reviewer's may be wrong by hours.
  const ahead = Number(body.dataset.now || Date.now()) - Date.now();
  const now = () => Date.now() + ahead;
  const say = (words) => { if (status) status.textContent = words; };
  const token = () => { const field = document.querySelector("input[name=token]"); return field ? field.value : ""; };

  // Keys. A letter alone counts only outside fields, and only while they are on.
  const isTyping = (target) => target.closest("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])") !== null;
  const nameOf = (event) => (event.ctrlKey || event.metaKey ? "Control+" : "") + event.key;
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.repeat || event.isComposing) return;
    if (event.key === "Escape" && isTyping(event.target)) { event.target.blur(); return; }
    const name = nameOf(event);
    const isSingle = !name.startsWith("Control+");
    if (isSingle && (body.dataset.keys !== "on" || isTyping(event.target))) return;
    const wanted = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === name);
    if (!wanted) return;
    event.preventDefault();
    press(wanted);
  });
  function press(one) {
    if (one.matches("textarea, select")) { one.focus(); return; }
    if (one.matches("input[type=radio]")) {
      one.focus();
      one.checked = true;
      one.dispatchEvent(new Event("change", { bubbles: true }));
      return;
    }
    if (one.matches("summary")) {
      one.click();
      const first = one.parentElement.querySelector("input:not([type=hidden]), select");
      if (one.parentElement.open && first) first.focus();
      return;
    }
    // What cannot be taken back takes the key twice: whoever types into a page that has only just
    // opened means something else.
    const isSure = !one.dataset.twice || document.activeElement === one;
    one.focus();
    if (isSure) one.click(); else say("Press the key once more.");
  }

  // Countdowns: of a lease, and of the time in which a decision can be taken back.
  const words = (seconds) => seconds < 120 ? seconds + " s" : Math.floor(seconds / 60) + " min";
  const warned = new Set();
  function tick() {
    for (const one of document.querySelectorAll(".left[data-until]")) {
      const left = Math.max(0, Math.ceil((Number(one.dataset.until) - now()) / 1000));
      one.textContent = words(left);
      if (one.dataset.expire && left === 0) one.textContent = "no longer: it may be anybody's";
      if (one.dataset.expire && left <= 60 && !warned.has(one.dataset.until)) {
        warned.add(one.dataset.until);
        say("Less than a minute is left of your claim.");
      }
      const form = one.closest("form.undo");
      if (form && left === 0) form.hidden = true;
    }
  }
  tick();
  setInterval(tick, 1000);

  // A form is sent once: who presses twice would be told that the second time is too late. A page
  // that a browser has kept and shows anew is as new.
  const sent = new Map();
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (now() - (sent.get(event.target) || 0) < 5000) event.preventDefault(); else sent.set(event.target, now());
  });
  addEventListener("pageshow", () => sent.clear());

  const place = document.getElementById("case");
  const form = document.getElementById("decide");
  if (place && place.dataset.mine === "yes" && form) {
    // The lease begins anew while somebody is at work, and only then.
    let active = false;
    for (const kind of ["keydown", "pointerdown", "scroll"]) document.addEventListener(kind, () => { active = true; }, { passive: true, capture: true });
    const lease = document.getElementById("left");
    const every = Math.max(3, Math.min(30, (Number(lease ? lease.dataset.until : 0) - now()) / 4000));
    setInterval(() => {
      if (!active || document.visibilityState !== "visible") return;
      active = false;
      htmx.ajax("POST", "/cases/" + place.dataset.case + "/extend", { target: "#lease" });
    }, every * 1000);
    // What is written is kept soon after the last letter.
    let waiting = 0;
    const keep = () => { waiting = 0; htmx.trigger(form, "draft"); };
    form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(keep, 1500); });
    form.addEventListener("submit", () => clearTimeout(waiting));
    // A rule's own words are a reason, until somebody writes a better one.
    const rule = document.getElementById("rule"), reason = document.getElementById("reason");
    let filled = "";
    rule.addEventListener("change", () => {
      const said = rule.selectedOptions[0].dataset.words || "";
      if (reason.value === "" || reason.value === filled) { reason.value = said; filled = said; }
    });
  }
  if (place) { const title = place.querySelector("h1"); if (title) title.focus(); }

  // What changes is told as it happens; a page that is hidden listens to nothing.
  const board = document.getElementById("board");
  let source = null;
  function listen() {
    if (document.visibilityState !== "visible") { if (source) source.close(); source = null; return; }
    if (source || !(board || place)) return;
    source = new EventSource("/events" + (place ? "?case=" + place.dataset.case : ""));
    source.addEventListener("over", () => source.close());
    if (board) source.addEventListener("queues", () => {
      htmx.ajax("GET", "/queues", { target: "#board" }).then(() => say("The queues have changed."));
    });
    if (place) source.addEventListener("case", (event) => {
      const standing = JSON.parse(event.data);
      const isLost = place.dataset.mine === "yes" && standing.claimed_by !== place.dataset.person;
      if (isLost) document.getElementById("taken").hidden = false;
      if (standing.revision !== Number(place.dataset.revision)) document.getElementById("changed").hidden = false;
    });
  }
  document.addEventListener("visibilitychange", listen);
  listen();
  // A browser has few connections: one that is left behind would be missed.
  addEventListener("pagehide", () => { if (source) source.close(); source = null; });

  // The cited rule comes into view within its own box.
  for (const cited of document.querySelectorAll(".policy")) {
    const found = cited.querySelector("mark");
    if (found) cited.scrollTop = Math.max(0, found.offsetTop - cited.offsetTop - 40);
  }

  // Parts that were refused say why, and change nothing else.
  document.addEventListener("htmx:responseError", (event) => {
    const found = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").querySelector("#refused .notice");
    say(found ? found.textContent : "That was not done.");
    const changed = document.getElementById("changed");
    if (found && changed && event.detail.xhr.status === 409) changed.hidden = false;
  });
})();

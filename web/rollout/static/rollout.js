// Keeps the page of the modules fresh: asks for it every second and replaces
// the parts that have changed, so that what moves goes on moving, what was
// typed stays, and the focus does, too. Without it the page is as it was when
// it was loaded.
(() => {
  const page = document.querySelector("[data-grove]");
  if (!page) return;
  const every = 1000, patience = 8000;
  const pulse = document.querySelector("[data-pulse]"), says = document.querySelector("[data-pulse-text]");
  const offline = document.querySelector("[data-offline]");
  let failures = 0;

  // A form is not changed under the hand that is about to press its button:
  // its version then says that it is an old one, and nothing is moved.
  const inHand = (part) => "key" in part.dataset && (part.matches(":hover") || part.contains(document.activeElement));

  // What was typed and not sent yet moves into the fresh form.
  const keepTyped = (from, to) => {
    for (const field of from.querySelectorAll("input[type=text]")) {
      const fresh = to.querySelector("#" + CSS.escape(field.id));
      if (fresh && (field.name === "why" || field.value !== field.defaultValue)) fresh.value = field.value;
    }
    const open = from.querySelector("details"), again = to.querySelector("details");
    if (open && again) again.open = open.open;
  };

  // What the server said last, because people change a form by using it. Of a
  // form only its key counts: the plan that it was made for.
  const saying = (part) => part.dataset.key ?? part.outerHTML;
  const said = new Map();
  for (const part of page.querySelectorAll("[data-live]")) said.set(part.dataset.live, saying(part));

  const replace = (old, fresh) => {
    const name = old.dataset.live;
    if (said.get(name) === saying(fresh) || inHand(old)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const next = document.importNode(fresh, true);
    if ("key" in old.dataset) keepTyped(old, next);
    old.replaceWith(next);
    said.set(name, saying(fresh));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };

  const take = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const parts = [...page.querySelectorAll("[data-live]")], coming = [...fresh.querySelectorAll("[data-live]")];
    const names = (list) => list.map((part) => part.dataset.live).join(" ");
    const blind = fresh.querySelector("[data-live=none]") !== null && page.querySelector("[data-live=none]") === null;
    page.classList.toggle("blind", blind);
    if (blind) { // the route control is away for a moment: what was seen last stays, and is marked
      replace(parts[0], coming[0]);
      return true;
    }
    if (names(parts) !== names(coming)) { // the modules are there again, or are others
      location.replace(page.dataset.page);
      return false;
    }
    parts.forEach((part, i) => replace(part, coming[i]));
    return true;
  };

  const beat = (alive) => {
    if (!pulse) return;
    pulse.hidden = false;
    pulse.classList.toggle("lost", !alive);
    says.textContent = alive ? "live" : "waiting for the server";
    offline.hidden = failures < 3;
  };

  const look = async () => {
    try {
      const answer = await fetch(page.dataset.grove, { headers: { Accept: "text/html" }, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(patience) });
      // The session has ended, or the role: the page says so in words.
      if (answer.status === 401 || answer.status === 403) { location.replace(page.dataset.page); return false; }
      if (!answer.ok) throw new Error("answered " + answer.status);
      const html = await answer.text();
      failures = 0;
      beat(true);
      return take(html);
    } catch {
      failures++;
      beat(false);
      return true;
    }
  };

  const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
  const seen = () => document.hidden
    ? new Promise((done) => { document.addEventListener("visibilitychange", done, { once: true }); })
    : null;
  (async () => {
    beat(true);
    for (;;) {
      await wait(Math.min(every * 2 ** Math.min(failures, 3), patience));
      await seen();
      if (!await look()) return;
    }
  })();
})();

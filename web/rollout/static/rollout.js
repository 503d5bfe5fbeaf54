// Keeps the page of the modules up to date: asks for it every second and replaces
// the parts that have changed, so that what moves goes on moving, what was
// typed stays, and the focus does, too. Without it the page is as it was when
// it was loaded.
(() => {
  const page = document.querySelector("[data-live-from]");
  if (!page) return;
  const interval = 1000, timeout = 8000;

  // A step loads the page again: its module then stands where it stood.
  const place = "banyan.modules.at";
  const top = (id) => document.getElementById(id)?.getBoundingClientRect().top;
  page.addEventListener("submit", (event) => {
    const id = event.target.closest("[data-module]")?.id;
    if (id) try { sessionStorage.setItem(place, JSON.stringify([id, top(id)])); } catch { /* the page then begins at the module */ }
  });
  addEventListener("load", () => {
    let stood = null;
    try { stood = JSON.parse(sessionStorage.getItem(place)); sessionStorage.removeItem(place); } catch { /* as above */ }
    if (stood && top(stood[0]) !== undefined) scrollBy({ top: top(stood[0]) - stood[1], behavior: "instant" });
  });

  const connection = document.querySelector("[data-connection]"), connectionText = document.querySelector("[data-connection-text]");
  const offline = document.querySelector("[data-offline]");
  let failures = 0;

  // A form in use is not replaced: a button that is about to be pressed must not
  // change. Its version then says that it is an old one, and nothing is moved.
  const inUse = (part) => "key" in part.dataset && (part.matches(":hover") || part.contains(document.activeElement));

  // What was typed and not sent yet moves into the fresh form.
  const keepTyped = (from, to) => {
    for (const field of from.querySelectorAll("input[type=text]")) {
      const fresh = to.querySelector("#" + CSS.escape(field.id));
      if (fresh && (field.name === "why" || field.value !== field.defaultValue)) fresh.value = field.value;
    }
  };

  // What was opened stays open.
  const keepOpen = (from, to) => {
    const fresh = to.querySelectorAll("details");
    from.querySelectorAll("details").forEach((old, i) => { if (fresh[i]) fresh[i].open = old.open; });
  };

  // What the server said last, because people change a form by using it. Of a
  // form only its key counts: the plan that it was made for.
  const content = (part) => part.dataset.key ?? part.outerHTML;
  const last = new Map();
  for (const part of page.querySelectorAll("[data-live]")) last.set(part.dataset.live, content(part));

  const replace = (old, fresh) => {
    const name = old.dataset.live;
    if (last.get(name) === content(fresh) || inUse(old)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const next = document.importNode(fresh, true);
    if ("key" in old.dataset) keepTyped(old, next);
    keepOpen(old, next);
    old.replaceWith(next);
    last.set(name, content(fresh));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };

  const take = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const parts = [...page.querySelectorAll("[data-live]")], coming = [...fresh.querySelectorAll("[data-live]")];
    const names = (list) => list.map((part) => part.dataset.live).join(" ");
    const stale = fresh.querySelector("[data-live=none]") !== null && page.querySelector("[data-live=none]") === null;
    page.classList.toggle("stale", stale);
    if (stale) { // rollout does not answer for a moment: what was seen last stays, and is marked
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

  const showConnection = (alive) => {
    if (!connection) return;
    connection.hidden = false;
    connection.classList.toggle("lost", !alive);
    connectionText.textContent = alive ? "live" : "waiting for the server";
    offline.hidden = failures < 3;
  };

  const refresh = async () => {
    try {
      const answer = await fetch(page.dataset.liveFrom, { headers: { Accept: "text/html" }, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(timeout) });
      // The session has ended, or the role: the page says so in words.
      if (answer.status === 401 || answer.status === 403) { location.replace(page.dataset.page); return false; }
      if (!answer.ok) throw new Error("answered " + answer.status);
      const html = await answer.text();
      failures = 0;
      showConnection(true);
      return take(html);
    } catch {
      failures++;
      showConnection(false);
      return true;
    }
  };

  const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
  const seen = () => document.hidden
    ? new Promise((done) => { document.addEventListener("visibilitychange", done, { once: true }); })
    : null;
  (async () => {
    showConnection(true);
    for (;;) {
      await wait(Math.min(interval * 2 ** Math.min(failures, 3), timeout));
      await seen();
      if (!await refresh()) return;
    }
  })();
})();

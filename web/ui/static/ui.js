// Small comforts: the theme switch, copying, progress of uploads. Every page
// works without them.
(() => {
  const root = document.documentElement;
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;

  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    const show = () => button.setAttribute("aria-pressed", String(dark()));
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem("banyan.theme", root.dataset.theme); } catch { /* lasts for this page only */ }
      show();
    });
  }

  // Delegated, because results that htmx brings in have copy buttons, too.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const text = button.dataset.copy || document.querySelector(button.dataset.copyFrom)?.textContent.trim() || "";
    const label = button.querySelector("[data-label]") || button;
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(text);
      label.textContent = "Copied";
    } catch {
      label.textContent = "Copying is blocked: select the text";
    }
    setTimeout(() => { label.textContent = before; }, 2000);
  });

  // htmx leaves a page as it was when an answer is an error. The whole page
  // says in words what is wrong, so go there; without a server, say that.
  document.addEventListener("htmx:responseError", (event) => {
    // What a page left out because a module was slow: the page stays as it is.
    if (event.target.matches?.("[data-later]")) {
      const says = event.target.querySelector("[data-later-says]");
      if (says) says.textContent = "It does not answer. Nothing is lost; load the page again in a minute.";
      return;
    }
    if (event.detail.requestConfig.verb === "get") location.assign(event.detail.pathInfo.finalRequestPath);
  });
  // It does not take the place of what somebody is typing.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const asking = event.detail.requestConfig?.elt;
    if (!asking?.matches?.("[data-later]")) return;
    const typed = [...document.querySelectorAll("#main :is(input[type=text], input[type=search], textarea)")].some((f) => f.value !== f.defaultValue);
    if (!typed) return;
    event.detail.shouldSwap = false;
    const says = asking.querySelector("[data-later-says]");
    if (says) says.textContent = "It answers now. Load the page again to see it, when you have finished what you type.";
  });
  const offline = document.querySelector("[data-offline]");
  document.addEventListener("htmx:sendError", () => { offline.hidden = false; });
  document.addEventListener("htmx:afterOnLoad", () => { offline.hidden = true; });

  // After a form: what was refused is marked and has the focus, what was done is read.
  const refused = document.querySelector("[data-outcome=refused]");
  if (refused) {
    let first = null;
    for (const line of refused.querySelectorAll("[data-field]")) {
      const wanted = line.dataset.field.toLowerCase();
      const field = wanted && [...document.querySelectorAll("#main form :is(input, select, textarea)")].find((f) => f.name.toLowerCase() === wanted && f.type !== "hidden");
      if (!field) continue;
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", line.id);
      first = first || field;
    }
    for (let box = first?.closest("details"); box; box = box.parentElement?.closest("details")) box.open = true;
    (first || refused).focus();
  } else {
    const told = document.querySelector("[data-focus]");
    told?.focus({ preventScroll: true });
    // A part of the page that the address names, as a review that was just published.
    const part = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    // Going to a part that cannot have the focus takes it from what has it, once the
    // page is loaded.
    if (told && part?.contains(told)) addEventListener("load", () => setTimeout(() => told.focus({ preventScroll: true }), 0));
    else if (part && told) {
      if (!part.hasAttribute("tabindex")) part.tabIndex = -1;
      part.focus();
    }
  }

  // What takes longer than a moment says that it is at work.
  const MOMENT = 300; // ms
  const working = new Map();
  const work = (part) => { if (part) working.set(part, setTimeout(() => part.setAttribute("aria-busy", "true"), MOMENT)); };
  const rest = (part) => { clearTimeout(working.get(part)); working.delete(part); part?.removeAttribute("aria-busy"); };
  document.addEventListener("htmx:beforeRequest", (event) => { if (!event.target.matches?.("[data-later]")) work(event.detail.target); });
  document.addEventListener("htmx:afterRequest", (event) => rest(event.detail.target));
  document.addEventListener("submit", (event) => { if (!event.defaultPrevented) work(event.target); });
  addEventListener("pageshow", () => { for (const part of [...working.keys()]) rest(part); });

  // A verdict on paper has its proof.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".verdict details:not([open]), .module .day-part details:not([open])")];
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => { for (const part of opened) part.open = false; });

  // A menu made of <details> closes on Escape and on a click elsewhere.
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.who[open]")) if (menu !== except) menu.open = false;
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.who")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.who[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // What is sent once says so on its button, and cannot be sent twice. Uploads show
  // more, see forms.js.
  for (const form of document.querySelectorAll("form[data-busy]")) {
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      const button = form.querySelector("button[type=submit], button:not([type])");
      form.setAttribute("aria-busy", "true");
      // After the submit event: a disabled button would not send its form.
      setTimeout(() => { button.disabled = true; button.textContent = form.dataset.busy; }, 0);
    });
  }
})();

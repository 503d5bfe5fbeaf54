// Forms of people who are signed in: what was typed outlives a session that has
// ended, and an upload or a build shows how far it is and can be cancelled. Every form
// works without it.
(() => {
  const KEY = "banyan.sent";
  const read = () => { try { return JSON.parse(sessionStorage.getItem(KEY)); } catch { return null; } };
  const write = (sent) => {
    try { if (sent) sessionStorage.setItem(KEY, JSON.stringify(sent)); else sessionStorage.removeItem(KEY); } catch { /* what was typed is then in the browser's history alone */ }
  };
  const typed = (form) => [...form.elements].filter((f) => f.name && !["hidden", "password", "file", "submit", "button"].includes(f.type));
  const path = (url) => new URL(url, location).pathname;
  // The address of this page as the sign-in takes it: from the site's root on.
  const here = () => (location.pathname + location.search).slice(path(document.body.dataset.root).length - 1);
  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // --- what was typed ---------------------------------------------------------
  // A form that is sent is remembered in this tab until its answer is there. When
  // that is "sign in first", the page that had the form fills it in again.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || !typed(form).length) return;
    const fields = typed(form).filter((f) => !["checkbox", "radio"].includes(f.type) || f.checked).map((f) => [f.name, f.value]);
    write({ page: location.pathname + location.search, within: here(), action: path(form.action), fields });
  });

  const sent = read();
  if (sent && document.querySelector("[data-session-ended]")) {
    write({ ...sent, ended: true });
    for (const link of document.querySelectorAll("[data-come-back]")) {
      link.href = link.dataset.comeBack ? link.dataset.comeBack + encodeURIComponent(sent.within) : sent.page;
    }
    document.querySelector("[data-kept]").hidden = false;
  } else if (sent && !document.querySelector("[data-sign-in]")) {
    write(null);
    const form = sent.ended && [...document.querySelectorAll("#main form[method=post]")].find((f) => path(f.action) === sent.action);
    if (form && location.pathname === new URL(sent.page, location).pathname) fillIn(form, sent.fields);
  }

  function fillIn(form, fields) {
    for (const field of typed(form)) {
      const values = fields.filter(([name]) => name === field.name).map(([, value]) => value);
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
      else if (values.length) field.value = values[0];
    }
    for (let box = form.closest("details"); box; box = box.parentElement?.closest("details")) box.open = true;
    form.prepend(element("p", { className: "hint", role: "status", textContent: "What you typed before you signed in again is filled in. Look at it, then send it." }));
    typed(form).find((f) => f.type !== "checkbox" && f.type !== "radio")?.focus();
  }

  // --- long work ----------------------------------------------------------------
  // Forms with files, and those whose work the server can be asked about (data-work, where
  // {name} is what was typed into a field), are sent by the script: it shows how far the
  // work is, and ends the request to cancel it.
  const megabytes = (bytes) => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
  for (const form of document.querySelectorAll("form[enctype='multipart/form-data'][data-busy], form[data-work]")) {
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      send(form);
    });
  }

  // Work that was cancelled when the server had all of it may be done all the same: the
  // page is loaded again, and says so.
  const CANCELLED = "banyan.cancelled";
  const lookAgain = (form) => {
    try { sessionStorage.setItem(CANCELLED, path(form.action)); } catch { /* the page shows it, without a word */ }
    if (form.dataset.page) location.assign(form.dataset.page); else location.reload();
  };
  try {
    const form = [...document.querySelectorAll("form")].find((f) => path(f.action) === sessionStorage.getItem(CANCELLED));
    sessionStorage.removeItem(CANCELLED);
    const said = element("p", { className: "hint", role: "status", textContent: "Cancelled. This page shows what there is now." });
    said.dataset.refusal = "";
    form?.append(said);
  } catch { /* as above */ }

  const ASK_EVERY = 400; // ms
  const share = (work) => work.total ? ` ${Math.floor(100 * work.done / work.total)} %` : "";
  const stages = {
    reading: (work) => `Reading the rows …${share(work)}`,
    comparing: (work) => `Comparing …${share(work)}`,
    hashing: (work) => `Hashing the tree …${share(work)}`,
    storing: (work) => `Storing …${share(work)}`,
  };

  // watch asks the server how far the work is, until stop is called.
  function watch(url, show) {
    let stopped = false, timer;
    const again = async () => {
      const work = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" }).then((r) => r.ok ? r.json() : null, () => null);
      if (stopped) return;
      if (work && stages[work.stage]) show(work);
      timer = setTimeout(again, ASK_EVERY);
    };
    timer = setTimeout(again, ASK_EVERY);
    return () => { stopped = true; clearTimeout(timer); };
  }

  const workOf = (form) => form.dataset.work?.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(form.elements[name].value));

  function send(form) {
    const files = form.enctype === "multipart/form-data";
    const button = form.querySelector("button[type=submit], button:not([type])"), label = button.textContent;
    const bar = element("progress", { max: 1 });
    const says = element("p", { className: "hint", textContent: files ? "Sending …" : form.dataset.busy });
    bar.setAttribute("aria-label", files ? "How much of the file is sent" : "How far the work is");
    if (files) bar.value = 0;
    const request = new XMLHttpRequest();
    const cancel = element("button", { type: "button", className: "button small", textContent: "Cancel" });
    cancel.dataset.cancel = "";
    const box = element("div", { className: "stack tight" }, bar, says, cancel);
    box.dataset.progress = "";
    box.setAttribute("role", "status");
    form.querySelector("[data-refusal]")?.remove();
    for (const field of form.elements) field.removeAttribute("aria-invalid"); // of the refusal before
    form.append(box);
    button.disabled = true;
    form.setAttribute("aria-busy", "true");
    let whole = !files; // all of it has arrived, so the server may take it
    let told = false; // the server has said how far it is
    // Until it does, the seconds show that it goes on.
    const begun = Date.now();
    const tick = setInterval(() => {
      if (whole && !told) says.textContent = `${form.dataset.busy} ${Math.floor((Date.now() - begun) / 1000)} s`;
    }, 1000);
    const unwatch = form.dataset.work ? watch(workOf(form), (work) => {
      if (!whole) return; // of the file, how much is sent says more
      told = true;
      box.dataset.stage = work.stage;
      says.textContent = stages[work.stage](work);
      bar.setAttribute("aria-label", "How far the work is");
      if (work.total) bar.value = work.done / work.total; else bar.removeAttribute("value");
    }) : () => {};
    const stop = () => { clearInterval(tick); unwatch(); };
    // The answer is a page, which asks for something first: the browser fetches it, and the
    // server does its work once more for it.
    const ask = () => {
      cancelled = () => { window.stop(); stop(); lookAgain(form); };
      form.submit();
    };
    const end = () => { stop(); box.remove(); button.disabled = false; button.textContent = label; form.removeAttribute("aria-busy"); };

    request.upload.addEventListener("progress", (event) => {
      if (!files || !event.lengthComputable) return;
      bar.value = event.loaded / event.total;
      says.textContent = `${megabytes(event.loaded)} of ${megabytes(event.total)} MB sent`;
    });
    request.upload.addEventListener("load", () => { whole = true; bar.removeAttribute("value"); says.textContent = form.dataset.busy; });
    request.addEventListener("load", () => {
      const answer = request.response || {};
      if (request.status < 300 && answer.location) { stop(); location.assign(answer.location); return; }
      if (request.status < 300) { ask(); return; }
      end();
      refuse(form, request.status, answer);
    });
    request.addEventListener("error", () => {
      end();
      refuse(form, 0, { detail: "The server cannot be reached, so nothing was changed. Check your connection, then send it again." });
    });
    request.addEventListener("abort", () => {
      stop();
      if (whole) { lookAgain(form); return; }
      end();
      const said = element("p", { className: "hint", role: "status", textContent: "Cancelled. Nothing was changed." });
      said.dataset.refusal = "";
      form.append(said);
      button.focus();
    });
    let cancelled = () => request.abort();
    cancel.addEventListener("click", () => cancelled());
    // Back on this page, which the browser has kept, nothing is done any more.
    addEventListener("pageshow", (event) => { if (event.persisted) end(); }, { once: true });
    request.open("POST", form.action);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.send(files ? new FormData(form) : new URLSearchParams(new FormData(form)));
    cancel.focus();
  }

  // The refusal of an upload stands in its form, and names what is wrong.
  const SHOWN = 10;
  function refuse(form, status, answer) {
    const detail = answer.detail || "The server did not say what is wrong, so it is not known whether anything was changed. Load the page again and look.";
    const list = element("ul", {});
    const fields = answer.fields || [];
    for (const f of fields.slice(0, SHOWN)) {
      list.append(element("li", { textContent: [f.line && `line ${f.line}`, f.name, f.message].filter(Boolean).join(": ") }));
    }
    if (fields.length > SHOWN) list.append(element("li", { textContent: `and ${fields.length - SHOWN} more` }));
    const says = element("div", {}, element("strong", { textContent: "Nothing was changed" }), element("p", { textContent: detail[0].toUpperCase() + detail.slice(1) }), list);
    const notice = element("div", { className: "notice bad", role: "alert", tabIndex: -1 }, element("span", { textContent: "!", ariaHidden: "true" }), says);
    notice.dataset.refusal = "";
    notice.dataset.outcome = "refused";
    if (status === 401 || status === 403) {
      const link = element("a", { className: "button small", textContent: "Sign in and come back" });
      link.href = document.body.dataset.signInAt + "?next=" + encodeURIComponent(here());
      says.append(link);
      write({ ...read(), ended: true });
    } else write(null);
    form.append(notice);
    for (const f of fields) {
      const wrong = [...form.elements].find((e) => e.name && e.name === f.name);
      if (wrong) wrong.setAttribute("aria-invalid", "true");
    }
    notice.focus();
  }
})();

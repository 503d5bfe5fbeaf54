// What the site's pages do with wallets: sign in with personal_sign, and sign reviews,
// statements and appeals with eth_signTypedData_v4. Every message and document is made by
// the server; this file only carries it to the wallet, and the answer back. How wallets
// are found and asked stands in browser-wallet.js, claims in claim.js.
(() => {
  const { found, watch, remembered, remember, UserError, explain, ask, statusLine, same, account } = window.browserWallet;

  async function send(method, url, body, headers = {}) {
    const csrf = document.querySelector('meta[name="csrf"]')?.content;
    if (csrf) headers["X-CSRF-Token"] = csrf;
    headers.Accept = "application/json";
    let response;
    try {
      response = await fetch(url, { method, body, headers, credentials: "same-origin" });
    } catch {
      throw new UserError("The server cannot be reached. Check your connection and try again.");
    }
    const answer = await response.json().catch(() => null);
    if (response.ok) return answer;
    const fields = (answer?.fields || []).map((f) => `${f.name ? f.name + ": " : ""}${f.message}`).join("; ");
    throw Object.assign(new UserError((answer?.detail || "The server did not say what is wrong. Load the page again and send it once more; if it happens again, tell an operator when it was.") + (fields ? ` (${fields})` : "")),
      { status: response.status, fields: answer?.fields || [] });
  }
  const sendJSON = (url, value) => send("POST", url, JSON.stringify(value), { "Content-Type": "application/json" });

  // --- what was typed ---------------------------------------------------------
  // It outlives a session that has ended: it is kept in this tab until it was sent.
  const keptAs = (form) => "banyan.typed " + new URL(form.action).pathname;
  const keep = (form) => {
    const fields = [...new FormData(form)].filter(([name, value]) => name !== "csrf" && typeof value === "string");
    try { sessionStorage.setItem(keptAs(form), JSON.stringify(fields)); return true; } catch { return false; }
  };
  const forget = (form) => { try { sessionStorage.removeItem(keptAs(form)); } catch { /* it was never kept */ } };
  const restore = (form) => {
    let fields;
    try { fields = JSON.parse(sessionStorage.getItem(keptAs(form))); } catch { return false; }
    if (!Array.isArray(fields)) return false;
    for (const [name, value] of fields) {
      const field = form.elements[name];
      if (field) field.value = value;
    }
    return true;
  };

  // A refusal marks the fields that it names and takes the focus there; after a
  // session has ended it offers to sign in and come back.
  function refused(form, say, error) {
    say(explain(error), "bad");
    let first = null;
    for (const { name } of error.fields || []) {
      const wanted = String(name).toLowerCase().split(/[ .]/)[0];
      const field = [...form.elements].find((e) => e.name && e.name.toLowerCase() === wanted);
      if (!field) continue;
      field.setAttribute("aria-invalid", "true");
      field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
      first = first || field;
    }
    first?.focus();
    if (error.status !== 401 && error.status !== 403) return;
    const line = form.querySelector("[data-status]"), into = document.querySelector("header.top .tools a.button, [data-sign-in-at]");
    const at = document.body.dataset.signInAt || into?.href;
    if (!at || !line) return;
    const link = Object.assign(document.createElement("a"), { className: "button small", textContent: "Sign in and come back" });
    link.href = at.split("?")[0] + "?next=" + encodeURIComponent((location.pathname + location.search).slice(new URL(document.body.dataset.root, location).pathname.length - 1) + (form.id ? "#" + form.id : ""));
    link.dataset.signInAgain = "";
    line.append(...(keep(form) ? [Object.assign(document.createElement("p"), { textContent: "Your session may have ended. What you typed is kept in this tab." })] : []), link);
    link.focus();
  }

  const toHex = (text) => "0x" + Array.from(new TextEncoder().encode(text), (b) => b.toString(16).padStart(2, "0")).join("");
  // --- sign in -------------------------------------------------------------
  const signIn = document.querySelector("[data-sign-in]");
  if (signIn) {
    const list = signIn.querySelector("[data-wallets]");
    const none = signIn.querySelector("[data-no-wallet]");
    const say = statusLine(signIn.querySelector("[data-status]"));

    async function enter({ info, provider }) {
      for (const b of list.querySelectorAll("button")) b.disabled = true;
      try {
        say("Choose the account in your wallet.");
        const address = await account(provider, say);
        const chain = Number(await ask(provider, "eth_chainId", [], say)) || 1;
        const { message } = await sendJSON(signIn.dataset.api + "nonce", { address, chain_id: chain });
        say("Read the message in your wallet and sign it. It costs nothing.");
        const signature = await ask(provider, "personal_sign", [toHex(message), address], say);
        const answer = await sendJSON(signIn.dataset.api + "sign-in", { message, signature });
        remember(info.rdns);
        say("Signed in. One moment …", "good");
        location.assign(answer.second_factor && answer.second_factor !== "given" ? signIn.dataset.secondFactor + encodeURIComponent(signIn.dataset.nextPath) : signIn.dataset.next);
      } catch (error) {
        say(explain(error), "bad");
        for (const b of list.querySelectorAll("button")) b.disabled = false;
      }
    }

    const drawWallets = () => {
      const last = remembered();
      const wallets = [...found.values()].sort((a, b) => (b.info.rdns === last) - (a.info.rdns === last) || a.info.name.localeCompare(b.info.name));
      none.hidden = wallets.length > 0;
      list.replaceChildren(...wallets.map((w) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.rdns = w.info.rdns || "";
        if (/^data:image\//.test(w.info.icon || "")) {
          button.append(Object.assign(document.createElement("img"), { src: w.info.icon, alt: "" }));
        }
        const words = document.createElement("span");
        words.append(w.info.name, Object.assign(document.createElement("span"), {
          className: "kind", textContent: w.info.rdns === last ? "used here before" : w.info.rdns === "demo.banyan" ? "tries everything out, nothing to install" : "in this browser",
        }));
        button.append(words);
        button.addEventListener("click", () => enter(w));
        const item = document.createElement("li");
        item.append(button);
        return item;
      }));
    };
    watch(drawWallets);
    drawWallets();
    setTimeout(() => { if (!found.size) none.hidden = false; }, 400);
  }

  // Finds the wallet that holds an account: first those that say so without
  // asking anybody, then the one used last.
  async function walletWith(address, say) {
    for (const w of found.values()) {
      const accounts = await w.provider.request({ method: "eth_accounts" }).catch(() => []);
      if (accounts?.some((a) => same(a, address))) return w.provider;
    }
    const choice = [...found.values()].find((w) => w.info.rdns === remembered()) || [...found.values()][0];
    if (!choice) throw new UserError("No wallet was found in this browser. Open this page where your wallet is, or install one.");
    const chosen = await account(choice.provider, say);
    if (!same(chosen, address)) {
      throw new UserError(`You are signed in as ${address}, but the wallet has ${chosen} selected. Switch the account in the wallet, or sign in with that one.`);
    }
    return choice.provider;
  }

  // --- statements about wallets -----------------------------------------------
  // A document names the chain that the wallet is on: wallets refuse others.
  async function signStatement(form, say, prompt) {
    const provider = await walletWith(form.dataset.wallet, say);
    const chain = Number(await ask(provider, "eth_chainId", [], say)) || 1;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("chain_id", String(chain));
    const prepared = await send("POST", form.action, fields);
    say(prompt);
    try {
      return { prepared, signature: await signedIn(provider, form, prepared, say) };
    } catch (error) {
      throw Object.assign(error instanceof UserError ? error : new UserError(explain(error)), { prepared, declined: error?.code === 4001 });
    }
  }

  // leave goes to where it was published. Its place on the page differs only by its
  // anchor, which alone would not load the page again.
  function leave({ location: next }, form, say) {
    forget(form);
    say("Done. One moment …", "good");
    const to = new URL(next, location);
    // A fragment alone loads nothing. Whatever else loads the page, and once: what the
    // page says of the act is said once, too.
    const isPart = to.hash && to.pathname + to.search === location.pathname + location.search;
    location.assign(to);
    if (isPart) location.reload();
  }

  function stated(form, prompt, fill) {
    const button = form.querySelector("button[type=submit]");
    const say = statusLine(form.querySelector("[data-status]"));
    if (restore(form)) say("What you typed before is filled in again.");
    button.disabled = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      const publish = async (prepared, signature) => {
        fill(prepared, signature);
        leave(await sendJSON(form.dataset.publish, prepared), form, say);
      };
      try {
        const { prepared, signature } = await signStatement(form, say, prompt);
        await publish(prepared, signature);
      } catch (error) {
        refused(form, say, error);
        if (error.prepared) offerElsewhere(form, error.prepared, (signature) => publish(error.prepared, signature), !error.declined);
        button.disabled = false;
      }
    });
  }

  // --- signing elsewhere -------------------------------------------------------
  // Some wallets do not sign these documents: Trust Wallet's extension refuses one whose
  // domain names no chain (trustwallet/trust-web3-provider #376), others have no
  // eth_signTypedData_v4. So a document that a wallet has not signed can be taken to
  // another program with the same key, and its signature is sent from here.
  async function signedIn(provider, form, prepared, say) {
    try {
      return await ask(provider, "eth_signTypedData_v4", [form.dataset.wallet, JSON.stringify(prepared.typed_data)], say);
    } catch (error) {
      if (!prepared.typed_data.domain.chainId && /chain/i.test(String(error?.message || ""))) {
        throw new UserError("This wallet signs only documents that name a chain, and this one names none, so that it is valid on all of them. Sign the same document in another program, as said below.");
      }
      throw error;
    }
  }

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // offerElsewhere puts the way around the wallet below a form. publish sends what was
  // prepared with the signature that is typed in.
  function offerElsewhere(form, prepared, publish, open) {
    const before = document.querySelector("[data-elsewhere]");
    if (before) URL.revokeObjectURL(before.querySelector("a").href);
    before?.remove();
    const FILE = "to-sign.json";
    const signature = element("textarea", { id: "elsewhere", rows: 3, spellcheck: false, autocomplete: "off", placeholder: "0x…" });
    const say = element("div", { className: "notice", hidden: true });
    say.setAttribute("role", "status");
    const tell = statusLine(say);
    const send = element("button", { type: "button", className: "button", textContent: "Send this signature" });
    send.addEventListener("click", async () => {
      const typed = signature.value.trim();
      if (!/^0x([0-9a-f]{2})+$/i.test(typed)) return tell("A signature is 0x and hex digits. Paste what the program has printed.", "bad");
      send.disabled = true;
      try {
        await publish(typed);
      } catch (error) {
        tell(explain(error), "bad");
        send.disabled = false;
      }
    });
    const save = element("a", {
      className: "button small", download: FILE, textContent: "Save the document",
      href: URL.createObjectURL(new Blob([JSON.stringify(prepared.typed_data, null, 2)], { type: "application/json" })),
    });
    const panel = element("details", { className: "more", open },
      element("summary", { textContent: "The wallet does not sign it? Sign the same document elsewhere" }),
      element("div", { className: "stack" },
        element("p", { className: "soft", textContent: "Any program that has the key of this account and signs typed data (EIP-712) can. Send the signature within ten minutes: later, most documents are not taken any more." }),
        element("div", {}, save),
        element("p", { className: "soft", textContent: "With a Ledger and Foundry’s cast, for instance (--trezor for a Trezor, --account NAME for a key in its keystore):" }),
        element("pre", {}, element("code", { textContent: "cast wallet sign --ledger --data --from-file " + FILE })),
        element("div", { className: "field" }, element("label", { htmlFor: "elsewhere", textContent: "The signature" }), signature),
        say, element("div", {}, send)));
    panel.dataset.elsewhere = "";
    form.append(panel);
  }

  // What htmx has put into the page later is brought to life, too, each part once.
  const alive = new WeakSet();
  const fresh = (selector) => [...document.querySelectorAll(selector)].filter((part) => !alive.has(part) && alive.add(part));

  function enliven() {
    // --- reviews -------------------------------------------------------------
    // A review and its withdrawal, an exchange's claim and its answers: prepared by the server, signed in the wallet.
    for (const review of fresh("form[data-review]")) {
      const button = review.querySelector("button[type=submit]");
      const say = statusLine(review.querySelector("[data-status]"));
      const text = review.querySelector("textarea");
      const left = review.querySelector("[data-left]");
      const count = () => { if (left) left.textContent = `${(text.maxLength - text.value.length).toLocaleString(document.documentElement.lang)} characters left`; };
      text?.addEventListener("input", count);
      if (text && restore(review)) say("What you typed before is filled in again.");
      count();
      button.disabled = false;

      review.addEventListener("submit", async (event) => {
        event.preventDefault();
        button.disabled = true;
        let prepared, chain = 1;
        const publish = async (signature) => {
          const signed = prepared.review || prepared.withdrawal || prepared.claim || prepared.reply || prepared.attestation || prepared.appeal;
          signed.signature = signature;
          signed.chain_id = chain;
          say("Publishing …");
          leave(await sendJSON(review.dataset.publish, prepared), review, say);
        };
        let signing = false;
        try {
          prepared = await send("POST", review.action, new URLSearchParams(new FormData(review)));
          signing = true;
          const provider = await walletWith(review.dataset.wallet, say);
          // A smart wallet is asked for its signature on the chain where it is.
          chain = Number(await ask(provider, "eth_chainId", [], say)) || 1;
          say("Read it in the wallet and sign it. It costs nothing.");
          const signature = await signedIn(provider, review, prepared, say);
          signing = false;
          await publish(signature);
        } catch (error) {
          refused(review, say, error);
          if (signing) offerElsewhere(review, prepared, publish, error?.code !== 4001);
          button.disabled = false;
        }
      });
    }

    const statement = fresh("form[data-statement]")[0];
    if (statement) {
      const parts = statement.querySelectorAll("[data-for]");
      const choose = () => { for (const part of parts) part.hidden = !part.dataset.for.split(" ").includes(statement.elements.kind.value); };
      statement.addEventListener("change", choose);
      choose();
      stated(statement, "Read your statement in the wallet and sign it. It costs nothing.",
        (prepared, signature) => { prepared.attestation.sig.signature = signature; });
    }
    for (const form of fresh("form[data-take-back]")) {
      stated(form, "Read in the wallet what you take back and sign it. It costs nothing.",
        (prepared, signature) => { prepared.revocation.signature = signature; });
    }

    for (const form of fresh("form[data-eas]")) {
      stated(form, "Read the attestation in the wallet and sign it. It costs nothing.",
        (prepared, signature) => { prepared.attestation.sig.signature = signature; });
    }

    // --- "use my wallet" beside an address field -------------------------------
    for (const button of fresh("[data-fill-wallet]")) {
      button.hidden = false;
      button.addEventListener("click", async () => {
        const form = button.closest("form");
        const say = statusLine(form.querySelector("[data-status]"));
        try {
          const choice = [...found.values()].find((w) => w.info.rdns === remembered()) || [...found.values()][0];
          if (!choice) throw new UserError("No wallet was found in this browser. Type or paste the address instead: a check needs no wallet.");
          form.elements.wallet.value = await account(choice.provider, say);
          say("");
          form.requestSubmit();
        } catch (error) {
          say(explain(error), "bad");
        }
      });
    }
  }
  enliven();
  document.addEventListener("htmx:afterSettle", enliven);
})();

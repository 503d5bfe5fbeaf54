// Talks to the wallets of a browser (EIP-1193): finds them (EIP-6963), asks them,
// changes their chain, and sends what the page has made, by wallet_sendCalls (EIP-5792)
// where the wallet offers it. It knows no server: the site's pages and those that are
// exported for any file host use it as window.browserWallet.
(() => {
  const REMEMBERED = "banyan.wallet"; // rdns of the wallet last used; a hint only, an rdns can be faked
  const HINT_AFTER = 12_000;          // ms until we say where a hidden request may be
  const TIMEOUT = 180_000;            // ms; a wallet may never answer
  const ANNOUNCED_BY = 300;           // ms

  // --- discovery -----------------------------------------------------------
  const found = new Map(); // uuid -> {info, provider}
  const watchers = [];
  const changed = () => { for (const draw of watchers) draw(); };
  window.addEventListener("eip6963:announceProvider", (event) => {
    const { info, provider } = event.detail || {};
    if (!info?.uuid || !info.name || typeof provider?.request !== "function") return;
    if (found.has(info.uuid)) return;
    found.set(info.uuid, { info, provider });
    changed();
  });
  const discover = () => window.dispatchEvent(new Event("eip6963:requestProvider"));

  // The browser inside a wallet's app injects its wallet and announces none.
  setTimeout(() => {
    if (found.size || typeof window.ethereum?.request !== "function") return;
    found.set("injected", { info: { uuid: "injected", name: "The wallet of this browser", rdns: "injected" }, provider: window.ethereum });
    changed();
  }, ANNOUNCED_BY);

  const remembered = () => { try { return localStorage.getItem(REMEMBERED); } catch { return null; } };
  const remember = (rdns) => { try { localStorage.setItem(REMEMBERED, rdns || ""); } catch { /* asked again next time */ } };

  // --- words ---------------------------------------------------------------
  class UserError extends Error { status = 0; fields = []; } // its message is written for people
  const DECLINED = "Sie haben in der Wallet abgelehnt, deshalb wurde nichts gesendet. Versuchen Sie es noch einmal, wann immer Sie möchten.";

  function explain(error) {
    if (error instanceof UserError) return error.message;
    const code = error?.code ?? error?.data?.originalError?.code;
    switch (code) {
      case 4001: case 5750: case "ACTION_REJECTED": return DECLINED;
      case 4100: return "Die Wallet hat dieses Konto nicht für diese Website erlaubt. Entsperren Sie sie, wählen Sie das Konto, und versuchen Sie es noch einmal.";
      case 4200: case -32601: return "Diese Wallet kann diese Art von Signatur nicht. Versuchen Sie eine andere Wallet.";
      case 4900: case 4901: return "Die Wallet ist nicht mit ihrem Netzwerk verbunden. Prüfen Sie ihre Verbindung und versuchen Sie es noch einmal.";
      case -32002: return "Die Wallet hat schon eine Anfrage offen. Öffnen Sie die Wallet, beenden oder schließen Sie sie dort, dann versuchen Sie es noch einmal.";
    }
    const text = String(error?.message || error || "");
    if (/reject|denied|declin|cancel/i.test(text)) return DECLINED;
    if (/insufficient funds/i.test(text)) return "Das Konto hat nicht genug von der eigenen Währung der Chain, um das Gas zu zahlen. Senden Sie ihm etwas, oder lassen Sie jemand anderes die Transaktion senden.";
    if (/chain/i.test(text)) return "Die Wallet ist in einem anderen Netzwerk als dem, für das signiert wird. Wechseln Sie das Netzwerk in der Wallet und versuchen Sie es noch einmal.";
    return text ? `Die Wallet hat geantwortet: ${text.slice(0, 200)}` : "Die Wallet hat keinen Grund genannt. Öffnen Sie sie, prüfen Sie, ob sie entsperrt ist, und versuchen Sie es noch einmal.";
  }

  // A wallet may show its window behind this one, or never answer at all.
  function ask(provider, method, params, say) {
    let hint, end;
    const late = new Promise((_, reject) => {
      hint = setTimeout(() => say?.("Es wird noch auf die Wallet gewartet. Ihr Fenster ist vielleicht hinter diesem, oder ein Klick auf ihr Symbol zeigt die Anfrage.", "wait"), HINT_AFTER);
      end = setTimeout(() => reject(new UserError("Die Wallet hat drei Minuten lang nicht geantwortet. Öffnen Sie sie, suchen Sie nach einer wartenden Anfrage, und versuchen Sie es noch einmal.")), TIMEOUT);
    });
    return Promise.race([provider.request({ method, params }), late]).finally(() => { clearTimeout(hint); clearTimeout(end); });
  }

  function statusLine(element) {
    return (text, kind = "") => {
      element.hidden = !text;
      element.dataset.kind = kind;
      element.className = "notice" + (kind === "bad" ? " bad" : kind === "good" ? " good" : "");
      element.replaceChildren(Object.assign(document.createElement("span"), { textContent: kind === "bad" ? "!" : "…", ariaHidden: "true" }),
        Object.assign(document.createElement("p"), { textContent: text }));
    };
  }

  const same = (a, b) => String(a).toLowerCase() === String(b).toLowerCase();

  async function account(provider, say) {
    const accounts = await ask(provider, "eth_requestAccounts", [], say);
    if (!accounts?.length) throw new UserError("Die Wallet hat kein Konto freigegeben. Entsperren Sie sie, wählen Sie ein Konto, und versuchen Sie es noch einmal.");
    return accounts[0];
  }

  // choose runs use with the wallet of this browser, or with the one of several that is
  // clicked in list.
  function choose(list, say, use) {
    const wallets = [...found.values()];
    if (!wallets.length) return say("In diesem Browser wurde keine Wallet gefunden. Öffnen Sie diese Seite dort, wo Ihre Wallet ist, oder installieren Sie eine.", "bad");
    if (wallets.length === 1) return use(wallets[0]);
    say("Welche Wallet soll es tun?");
    list.replaceChildren(...wallets.map((w) => {
      const item = document.createElement("li");
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: w.info.name });
      button.dataset.rdns = w.info.rdns || "";
      button.addEventListener("click", () => { list.replaceChildren(); use(w); });
      item.append(button);
      return item;
    }));
  }

  // --- chains ----------------------------------------------------------------
  const hexOf = (number) => "0x" + Number(number).toString(16);

  async function switchChain(provider, chain, say) {
    if (Number(await ask(provider, "eth_chainId", [], say)) === chain) return;
    say(`Erlauben Sie Ihrer Wallet, zu Chain ${chain} zu wechseln.`);
    try {
      await ask(provider, "wallet_switchEthereumChain", [{ chainId: hexOf(chain) }], say);
    } catch (error) {
      const code = error?.data?.originalError?.code ?? error?.code;
      if (code === 4902) throw new UserError(`Ihre Wallet kennt Chain ${chain} nicht. Fügen Sie sie dort hinzu, dann beanspruchen Sie noch einmal.`);
      throw error;
    }
    if (Number(await ask(provider, "eth_chainId", [], say)) !== chain) throw new UserError(`Ihre Wallet ist noch auf einer anderen Chain. Wechseln Sie zu Chain ${chain}, dann beanspruchen Sie noch einmal.`);
  }

  // --- transactions ------------------------------------------------------------
  // What wallets answer that offer wallet_sendCalls, and cannot do it here: the plain
  // transaction can still be sent.
  const NOT_HERE = new Set([4200, 5700, 5710, 5740, 5760, -32601, -32602]);

  async function offersCalls(provider, from, chain) {
    try {
      const offered = await provider.request({ method: "wallet_getCapabilities", params: [from, [hexOf(chain)]] });
      return Boolean(offered && (offered[hexOf(chain)] || offered["0x0"]));
    } catch { return false; }
  }

  // An account with code is a smart wallet, unless a key signs for it (EIP-7702).
  async function isContract(provider, address) {
    try {
      const code = await provider.request({ method: "eth_getCode", params: [address, "latest"] });
      return typeof code === "string" && code.length > 2 && !code.startsWith("0xef0100");
    } catch { return false; }
  }

  // sendCall sends a transaction, and returns what follow takes.
  // value is in the smallest unit of the chain's coin, in digits; left out: nothing.
  async function sendCall(provider, { from, to, data, value, chain }, say) {
    const along = "0x" + BigInt(value || 0).toString(16);
    say("Bestätigen Sie die Transaktion in Ihrer Wallet.");
    const smart = await isContract(provider, from);
    if (await offersCalls(provider, from, chain)) {
      try {
        const answer = await ask(provider, "wallet_sendCalls", [{ version: "2.0.0", chainId: hexOf(chain), from, atomicRequired: false, calls: [{ to, data, value: along }] }], say);
        return { id: answer?.id ?? answer, smart };
      } catch (error) {
        if (!NOT_HERE.has(error?.code)) throw error;
      }
    }
    return { hash: await ask(provider, "eth_sendTransaction", [{ from, to, data, value: along }], say), smart };
  }

  // receiptOf returns {hash, done, failed} of what was sent, as far as the wallet knows.
  async function receiptOf(provider, sent) {
    if (!sent.id) {
      const receipt = await provider.request({ method: "eth_getTransactionReceipt", params: [sent.hash] }).catch(() => null);
      return { hash: sent.hash, done: receipt?.status === "0x1", failed: receipt?.status === "0x0" };
    }
    const now = await provider.request({ method: "wallet_getCallsStatus", params: [sent.id] }).catch(() => null);
    const receipts = now?.receipts || [];
    const hash = receipts.at(-1)?.transactionHash;
    const failed = now?.status >= 400 || receipts.some((r) => r.status === "0x0");
    return { hash, done: now?.status === 200 && !failed, failed };
  }

  const FOLLOWED = 300_000, PAUSE = 1_500; // ms

  // follow asks until what was sent is done. seen returns what is known of it elsewhere,
  // and is believed first; it may be left out.
  async function follow(provider, sent, say, seen) {
    const refused = new UserError("Die Transaktion wurde vom Vertrag abgelehnt, deshalb wurde nichts beansprucht. Vielleicht hat schon jemand für diese Wallet beansprucht: Laden Sie die Seite neu.");
    let hash = sent.hash;
    for (const end = Date.now() + FOLLOWED; Date.now() < end;) {
      const receipt = await receiptOf(provider, sent);
      hash = receipt.hash || hash;
      if (receipt.failed) throw refused;
      const known = await seen?.();
      if (known) return { ...known, hash };
      if (receipt.done && !seen) return { hash };
      say(receipt.done ? "Die Chain hat sie. Warten, bis sie hier gelesen ist …"
        : sent.smart ? "An Ihre Smart Wallet gesendet. Hat sie mehrere Eigentümer, bestätigen die anderen es dort; diese Seite wartet …"
        : "Gesendet. Warten auf die Chain …", "wait");
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    const what = hash ? `Die Transaktion ${hash}` : "Was gesendet wurde";
    throw new UserError(`${what} ist noch nicht da. Ihre Wallet zeigt, wie es steht; diese Seite zeigt es, wenn es da ist.`);
  }

  // share hands a text and a link to the device, or copies them where it cannot.
  async function share({ title, text, url }, say) {
    if (navigator.share) {
      try { return await navigator.share({ title, text, url }); } catch (error) {
        if (error?.name === "AbortError") return; // closed by the person
      }
    }
    try {
      await navigator.clipboard.writeText(`${text} ${url}`);
      say("Kopiert: Fügen Sie es ein, wo Sie möchten.", "good");
    } catch {
      say(`Kopieren ist gesperrt. Das ist der Text: ${text} ${url}`);
    }
  }

  window.browserWallet = Object.freeze({
    found, watch: (draw) => watchers.push(draw), discover, remembered, remember,
    UserError, explain, ask, statusLine, same, account, choose, switchChain, sendCall, follow, share,
  });
  discover();
})();

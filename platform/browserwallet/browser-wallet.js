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
  const DECLINED = "You declined in the wallet, so nothing was sent. Try again whenever you like.";

  function explain(error) {
    if (error instanceof UserError) return error.message;
    const code = error?.code ?? error?.data?.originalError?.code;
    switch (code) {
      case 4001: case 5750: case "ACTION_REJECTED": return DECLINED;
      case 4100: return "The wallet has not allowed this account for this site. Unlock it, choose the account, and try again.";
      case 4200: case -32601: return "This wallet cannot do this kind of signature. Try another wallet.";
      case 4900: case 4901: return "The wallet is not connected to its network. Check its connection and try again.";
      case -32002: return "The wallet already has a request open. Open the wallet, finish or close it there, then try again.";
    }
    const text = String(error?.message || error || "");
    if (/reject|denied|declin|cancel/i.test(text)) return DECLINED;
    if (/insufficient funds/i.test(text)) return "The account has not enough of the chain's own coin to pay the gas. Send it some, or have somebody else send the transaction.";
    if (/chain/i.test(text)) return "The wallet is on another network than the one to be signed for. Switch the network in the wallet and try again.";
    return text ? `The wallet answered: ${text.slice(0, 200)}` : "The wallet gave no reason. Open it, make sure it is unlocked, and try again.";
  }

  // A wallet may show its window behind this one, or never answer at all.
  function ask(provider, method, params, say) {
    let hint, end;
    const late = new Promise((_, reject) => {
      hint = setTimeout(() => say?.("Still waiting for the wallet. Its window may be behind this one, or a click on its icon shows the request.", "wait"), HINT_AFTER);
      end = setTimeout(() => reject(new UserError("The wallet has not answered for three minutes. Open it, look for a waiting request, and try again.")), TIMEOUT);
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
    if (!accounts?.length) throw new UserError("The wallet shared no account. Unlock it, choose an account, and try again.");
    return accounts[0];
  }

  // choose runs use with the wallet of this browser, or with the one of several that is
  // clicked in list.
  function choose(list, say, use) {
    const wallets = [...found.values()];
    if (!wallets.length) return say("No wallet was found in this browser. Open this page where your wallet is, or install one.", "bad");
    if (wallets.length === 1) return use(wallets[0]);
    say("Which wallet shall do it?");
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
    say(`Allow your wallet to change to chain ${chain}.`);
    try {
      await ask(provider, "wallet_switchEthereumChain", [{ chainId: hexOf(chain) }], say);
    } catch (error) {
      const code = error?.data?.originalError?.code ?? error?.code;
      if (code === 4902) throw new UserError(`Your wallet does not know chain ${chain}. Add it there, then claim again.`);
      throw error;
    }
    if (Number(await ask(provider, "eth_chainId", [], say)) !== chain) throw new UserError(`Your wallet is still on another chain. Change it to chain ${chain}, then claim again.`);
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
    say("Confirm the transaction in your wallet.");
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
    const refused = new UserError("The transaction was refused by the contract, so nothing was claimed. Somebody may have claimed for this wallet before: load the page again.");
    let hash = sent.hash;
    for (const end = Date.now() + FOLLOWED; Date.now() < end;) {
      const receipt = await receiptOf(provider, sent);
      hash = receipt.hash || hash;
      if (receipt.failed) throw refused;
      const known = await seen?.();
      if (known) return { ...known, hash };
      if (receipt.done && !seen) return { hash };
      say(receipt.done ? "The chain has it. Waiting until it is read here …"
        : sent.smart ? "Sent to your smart wallet. If it has several owners, the others confirm it there; this page waits …"
        : "Sent. Waiting for the chain …", "wait");
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    const what = hash ? `The transaction ${hash}` : "What was sent";
    throw new UserError(`${what} is not there yet. Your wallet shows how it does; this page will show it when it is there.`);
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
      say("Copied: paste it where you like.", "good");
    } catch {
      say(`Copying is blocked. This is the text: ${text} ${url}`);
    }
  }

  window.browserWallet = Object.freeze({
    found, watch: (draw) => watchers.push(draw), discover, remembered, remember,
    UserError, explain, ask, statusLine, same, account, choose, switchChain, sendCall, follow, share,
  });
  discover();
})();

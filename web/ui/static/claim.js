// Claims on a chain. The server makes each transaction and each document to sign; the
// wallet sends or signs it, and the server says when it has seen the claim.
(() => {
  const { remember, UserError, explain, ask, statusLine, same, account, choose, switchChain, sendCall, follow, share } = window.browserWallet;

  const answerOf = async (url) => {
    let response;
    try {
      response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    } catch {
      throw new UserError("The server cannot be reached. Check your connection and try again.");
    }
    const answer = await response.json().catch(() => null);
    if (response.ok) return answer;
    const fields = (answer?.fields || []).map((f) => `${f.name}: ${f.message}`).join("; ");
    throw new UserError((answer?.detail || "The server did not say what is wrong. Load the page again and try once more.") + (fields ? ` (${fields})` : ""));
  };

  // work runs one action of a claim: its buttons wait, and what fails is said.
  async function work(claim, action) {
    const say = statusLine(claim.querySelector("[data-status]"));
    const buttons = claim.querySelectorAll("button");
    for (const b of buttons) b.disabled = true;
    let done = false;
    try {
      done = await action(say);
    } catch (error) {
      say(explain(error), "bad");
    }
    for (const b of buttons) b.disabled = false;
    if (done) for (const part of claim.querySelectorAll("[data-claim-open]")) part.hidden = true;
  }

  // send sends a transaction of a claim from an account, and follows it to its end.
  async function send(claim, { info, provider }, from, call, say) {
    const chain = Number(claim.dataset.chain), before = claim.dataset.paid;
    await switchChain(provider, chain, say);
    const sent = await sendCall(provider, { from, to: call.to, data: call.data, value: call.value, chain }, say);
    remember(info.rdns);
    const done = await follow(provider, sent, say, async () => {
      const now = await answerOf(claim.dataset.follow).catch(() => null);
      return now && (now.state === "pending" || now.state === "claimed" || now.paid !== before) ? now : null;
    });
    claim.dataset.state = done.state;
    say(`Claimed, by the transaction ${done.tx}.`, "good");
    for (const button of claim.querySelectorAll("[data-claim-share]")) button.hidden = false;
    return true;
  }

  const claimWith = (claim, wallet) => work(claim, async (say) => {
    if ("alone" in claim.dataset) return send(claim, wallet, await ownerIn(claim, wallet, say), claim.dataset, say);
    say("Choose the account in your wallet that pays the gas.");
    const from = await account(wallet.provider, say);
    return send(claim, wallet, from, claim.dataset, say);
  });

  // The account of the row itself: only it may name another receiver, and claim where the
  // contract pays nobody else.
  async function ownerIn(claim, { provider }, say) {
    say("Choose the account in your wallet for which you claim.");
    const from = await account(provider, say);
    if (!same(from, claim.dataset.wallet)) throw new UserError(`Only ${claim.dataset.wallet} itself may do this, and the wallet has ${from} selected. Switch the account there and try again.`);
    return from;
  }

  const receiver = (claim) => {
    const field = claim.querySelector("[data-claim-to]");
    const to = field.value.trim();
    if (!/^0x[0-9a-fA-F]{40}$/.test(to)) {
      field.setAttribute("aria-invalid", "true");
      field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
      field.focus();
      throw new UserError("Write the address that is to get the tokens: 0x and 40 hex digits.");
    }
    return to;
  };

  const claimToWith = (claim, wallet) => work(claim, async (say) => {
    const to = receiver(claim);
    const from = await ownerIn(claim, wallet, say);
    return send(claim, wallet, from, await answerOf(claim.dataset.elsewhere + encodeURIComponent(to)), say);
  });

  // signFor makes a link with which anybody can send the transaction, and pay its gas.
  const signFor = (claim, wallet) => work(claim, async (say) => {
    const to = claim.querySelector("[data-claim-to]").value.trim() ? receiver(claim) : claim.dataset.wallet;
    const from = await ownerIn(claim, wallet, say);
    await switchChain(wallet.provider, Number(claim.dataset.chain), say);
    const prepared = await answerOf(claim.dataset.elsewhere + encodeURIComponent(to));
    say("Read it in the wallet and sign it. It costs nothing: whoever sends the claim pays.");
    const signature = await ask(wallet.provider, "eth_signTypedData_v4", [from, JSON.stringify(prepared.typed_data)], say);
    const link = new URL(location.pathname, location);
    for (const [name, value] of Object.entries({ wallet: claim.dataset.wallet, to, deadline: prepared.deadline, signature })) link.searchParams.set(name, value);
    const shown = claim.querySelector("[data-claim-link]");
    shown.querySelector("a").href = link;
    shown.querySelector("[data-share]").dataset.url = link;
    shown.hidden = false;
    say("Signed. Send the link to whoever pays the gas: it can only pay the address that you have named.", "good");
  });

  // The answer to a check replaces the part with the buttons, so they are looked up
  // when they are clicked.
  const actions = { "claim-button": claimWith, "claim-elsewhere": claimToWith, "claim-sign": signFor };
  document.addEventListener("click", (event) => {
    for (const [name, action] of Object.entries(actions)) {
      const claim = event.target.closest?.(`[data-${name}]`)?.closest("[data-claim]");
      if (!claim) continue;
      return choose(claim.querySelector("[data-claim-wallets]"), statusLine(claim.querySelector("[data-status]")), (wallet) => action(claim, wallet));
    }
    const button = event.target.closest?.("[data-share]");
    if (button) return share({ title: document.title, text: button.dataset.text, url: button.dataset.url || location.href.split(/[?#]/)[0] }, statusLine(button.closest("[data-claim]").querySelector("[data-status]")));
  });
  const show = () => { for (const part of document.querySelectorAll("[data-claim-open]")) part.hidden = false; };
  document.addEventListener("htmx:afterSwap", show);
  show();
})();

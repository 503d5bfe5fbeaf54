// Checks wallets against static files, and claims. What a file says is believed only
// when its proof leads to the root that stands on the page.
(() => {
  const { UserError, explain, statusLine, account, choose, switchChain, sendCall, follow, share, remember } = window.browserWallet;
  const drop = document.body.dataset;
  const $ = (id) => document.getElementById(id);
  const say = statusLine($("status"));
  const language = document.documentElement.lang;

  // --- language --------------------------------------------------------------------
  // The page is there in each language. Who comes to the first one gets that of the
  // browser, unless one was chosen here before.
  const CHOSEN = "banyan.language";
  const other = $("other");
  let chosen = null;
  try { chosen = localStorage.getItem(CHOSEN); } catch { /* the browser's, then */ }
  const wanted = chosen || (navigator.languages || []).map((l) => l.slice(0, 2).toLowerCase()).find((l) => l === language || l === other.hreflang);
  if (language === "en" && wanted === other.hreflang) {
    location.replace(other.href + location.search);
    return;
  }
  other.addEventListener("click", () => {
    try { localStorage.setItem(CHOSEN, other.hreflang); } catch { /* it is asked for again next time */ }
    const who = $("wallet").value.trim();
    if (who) other.search = "?wallet=" + encodeURIComponent(who);
  });

  // --- Keccak-256 ----------------------------------------------------------------
  const MASK = (1n << 64n) - 1n;
  const turn = (x, n) => n ? ((x << BigInt(n)) | (x >> BigInt(64 - n))) & MASK : x;
  // The offsets and the constants follow from their definitions.
  const offsets = new Array(25).fill(0), constants = [];
  for (let x = 1, y = 0, t = 0; t < 24; t++) {
    offsets[x + 5 * y] = ((t + 1) * (t + 2) / 2) % 64;
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  for (let round = 0, bits = 1; round < 24; round++) {
    let constant = 0n;
    for (let j = 0; j < 7; j++) {
      bits = ((bits << 1) ^ ((bits >> 7) * 0x71)) & 0xff;
      if (bits & 2) constant ^= 1n << BigInt((1 << j) - 1);
    }
    constants.push(constant);
  }
  function permute(a) {
    for (const constant of constants) {
      const c = [0, 1, 2, 3, 4].map((x) => a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
      for (let i = 0; i < 25; i++) a[i] ^= c[(i + 4) % 5] ^ turn(c[(i + 1) % 5], 1);
      const b = new Array(25);
      for (let x = 0; x < 5; x++) for (let y = 0; y < 5; y++) b[y + 5 * ((2 * x + 3 * y) % 5)] = turn(a[x + 5 * y], offsets[x + 5 * y]);
      for (let i = 0; i < 25; i++) {
        const row = i - i % 5;
        a[i] = b[i] ^ (~b[row + (i + 1) % 5] & MASK & b[row + (i + 2) % 5]);
      }
      a[0] ^= constant;
    }
  }
  const RATE = 136; // bytes
  function keccak(bytes) {
    const padded = new Uint8Array((Math.floor(bytes.length / RATE) + 1) * RATE);
    padded.set(bytes);
    padded[bytes.length] = 1;
    padded[padded.length - 1] |= 0x80;
    const state = new Array(25).fill(0n), words = new DataView(padded.buffer);
    for (let at = 0; at < padded.length; at += RATE) {
      for (let i = 0; i < RATE / 8; i++) state[i] ^= words.getBigUint64(at + 8 * i, true);
      permute(state);
    }
    const sum = new DataView(new ArrayBuffer(32));
    for (let i = 0; i < 4; i++) sum.setBigUint64(8 * i, state[i], true);
    return new Uint8Array(sum.buffer);
  }

  // --- bytes ---------------------------------------------------------------------
  const bytesOf = (hex) => Uint8Array.from(hex.replace(/^0x/, "").match(/../g) || [], (pair) => parseInt(pair, 16));
  const hexOf = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  const word = (number) => BigInt(number).toString(16).padStart(64, "0");
  const padded = (address) => address.slice(2).toLowerCase().padStart(64, "0");
  const selector = (signature) => hexOf(keccak(new TextEncoder().encode(signature))).slice(0, 8);

  // --- the list --------------------------------------------------------------------
  const leaves = {
    "oz-indexed": (who, row) => hexOf(keccak(keccak(bytesOf(word(row.index) + padded(who) + word(row.amount))))),
    "uniswap": (who, row) => hexOf(keccak(bytesOf(word(row.index) + who.slice(2) + word(row.amount)))),
    "cumulative": (who, row) => hexOf(keccak(bytesOf(who.slice(2) + word(row.amount)))),
  };

  function rootOf(who, row) {
    return "0x" + row.proof.reduce((node, sibling) => {
      const other = sibling.slice(2).toLowerCase();
      return hexOf(keccak(bytesOf(node < other ? node + other : other + node)));
    }, leaves[drop.format](who, row));
  }

  const fileOf = (who) => {
    const prefix = who.slice(2, 2 + Number(drop.digits));
    return "claims/" + (prefix.length > 2 ? prefix.slice(0, 2) + "/" + prefix.slice(2) : prefix) + ".json";
  };

  // rowsOf returns a wallet's rows, whose proofs lead to the root; none: it is not on
  // the list.
  async function rowsOf(who) {
    let all;
    try {
      const response = await fetch(fileOf(who), { cache: "no-cache" }); // a file that was replaced is seen
      if (!response.ok) throw new Error(String(response.status));
      all = (await response.json()).claims;
    } catch {
      throw new UserError("Die Datei mit diesem Teil der Liste lässt sich nicht lesen, deshalb ist über diese Wallet nichts bekannt. Versuchen Sie es in einer Minute noch einmal; geschieht es wieder, sagen Sie es denen, die diese Seite veröffentlichen.");
    }
    const key = Object.keys(all).find((k) => k.toLowerCase() === who);
    const rows = key ? [].concat(all[key]) : [];
    if (rows.some((row) => rootOf(who, row) !== drop.root)) {
      throw new UserError("Die Datei mit diesem Teil der Liste ist nicht die, aus der die Wurzel entstand: Beanspruchen Sie hier nichts. Sagen Sie es denen, die diese Seite veröffentlichen.");
    }
    return rows;
  }

  function units(amount) {
    const digits = BigInt(amount).toString().padStart(Number(drop.decimals) + 1, "0");
    const at = digits.length - Number(drop.decimals);
    const rest = digits.slice(at).replace(/0+$/, "");
    const [group, point] = language === "de" ? [".", ","] : [",", "."];
    return digits.slice(0, at).replace(/\B(?=(\d{3})+$)/g, group) + (rest && point + rest);
  }

  // --- claims ------------------------------------------------------------------------
  function callOf(who, row) {
    const proof = word(row.proof.length) + row.proof.map((h) => h.slice(2)).join("");
    if (drop.format === "cumulative") return "0x" + selector("claim(address,uint256,bytes32,bytes32[])") + padded(who) + word(row.amount) + drop.root.slice(2) + word(128) + proof;
    return "0x" + selector("claim(uint256,address,uint256,bytes32[])") + word(row.index) + padded(who) + word(row.amount) + word(128) + proof;
  }

  const view = async (provider, data) => {
    const answer = await provider.request({ method: "eth_call", params: [{ to: drop.contract, data: "0x" + data }, "latest"] }).catch(() => null);
    return /^0x[0-9a-f]{64}/.test(answer || "") ? BigInt(answer.slice(0, 66)) : null;
  };

  // refuse says what the contract would, before anybody pays gas.
  async function refuse(provider, who, row) {
    const end = await view(provider, selector("endTime()"));
    if (end && BigInt(Math.floor(Date.now() / 1000)) >= end) throw new UserError("Die Auszahlung ist beendet: Der Vertrag zahlt nichts mehr.");
    const paid = drop.format === "cumulative"
      ? (await view(provider, selector("cumulativeClaimed(address)") + padded(who))) >= BigInt(row.amount)
      : (await view(provider, selector("isClaimed(uint256)") + word(row.index))) === 1n;
    if (paid) throw new UserError("Das wurde schon beansprucht, es ist also nichts zu tun.");
  }

  async function claim(who, row, button, { info, provider }) {
    button.disabled = true;
    try {
      say("Wählen Sie in Ihrer Wallet das Konto, das das Gas zahlt.");
      const from = await account(provider, say), chain = Number(drop.chain);
      await switchChain(provider, chain, say);
      await refuse(provider, who, row);
      const sent = await sendCall(provider, { from, to: drop.contract, data: callOf(who, row), chain }, say);
      remember(info.rdns);
      const done = await follow(provider, sent, say);
      say(`Beansprucht, mit der Transaktion ${done.hash}.`, "good");
      button.hidden = true;
      $("share").hidden = false;
    } catch (error) {
      say(explain(error), "bad");
      button.disabled = false;
    }
  }

  const part = (name, text) => Object.assign(document.createElement(name), { textContent: text });

  async function check(text) {
    $("claims").replaceChildren();
    const who = text.trim().toLowerCase();
    if (!/^0x[0-9a-f]{40}$/.test(who)) return say("Das ist keine Wallet-Adresse: Eine Adresse ist 0x und 40 Hex-Ziffern.", "bad");
    say("Wird nachgesehen …");
    try {
      const rows = await rowsOf(who);
      say("");
      if (!rows.length) $("claims").append(Object.assign(part("p", "Diese Wallet steht nicht auf der Liste. Wenn Sie mehrere Wallets benutzen, prüfen Sie auch die anderen."), { id: "verdict" }));
      for (const row of rows) {
        const shown = document.createElement("article"), button = Object.assign(part("button", "Beanspruchen"), { type: "button", className: "claim" });
        shown.append(part("h2", `${units(row.amount)} ${drop.symbol}`), part("p", `für ${who}. Die Token gehen an diese Wallet, wer auch immer die Transaktion sendet und ihr Gas zahlt.`), button);
        button.addEventListener("click", () => choose($("wallets"), say, (wallet) => claim(who, row, button, wallet)));
        $("claims").append(shown);
      }
    } catch (error) {
      say(explain(error), "bad");
    }
  }

  $("check").addEventListener("submit", (event) => { event.preventDefault(); check($("wallet").value); });
  $("mine").addEventListener("click", () => choose($("wallets"), say, async ({ provider }) => {
    try {
      $("wallet").value = await account(provider, say);
      check($("wallet").value);
    } catch (error) { say(explain(error), "bad"); }
  }));
  $("share").addEventListener("click", () => share({ title: document.title, text: `Ich habe von ${drop.name} Token beansprucht. Prüfe deine Wallet:`, url: location.href.split(/[?#]/)[0] }, say));
  const asked = new URLSearchParams(location.search).get("wallet");
  if (asked) { $("wallet").value = asked; check(asked); }
})();

// What the tools of others make of lists, one case to a line, for compare.go: the
// files of a case, the commands of Banyan on them, and what each must say.
//
//   node compare.mjs > CASES.ndjson
//
// Roots, proofs and dumps are computed here, by @openzeppelin/merkle-tree and
// merkletreejs with the hashes of ethers. Where a tool is no package, its rules
// are written again from what it is known to do.
import { SimpleMerkleTree, StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { AbiCoder, getAddress, getBytes, keccak256, parseUnits, solidityPackedKeccak256, toBeHex, toUtf8Bytes } from "ethers";
import { MerkleTree } from "merkletreejs";

const hash = (text) => keccak256(toUtf8Bytes(text));
const wallet = (seed, i) => getAddress(hash(`wallet ${seed} ${i}`).slice(0, 42));
const amount = (seed, i) => (BigInt(hash(`amount ${seed} ${i}`)) >> BigInt(130 + (i % 60))) + 1n;
const range = (n, each) => Array.from({ length: n }, (_, i) => each(i));
const csv = (rows) => rows.map((row) => row.join(",")).join("\n") + "\n";
const lines = (claims) => claims.map((c) => JSON.stringify(c)).join("\n") + "\n";
const write = (suite, name, files, ...steps) => console.log(JSON.stringify({ suite, name, files, steps }));

const pairs = ["address", "uint256"];
const lists = (n, seed) => range(n, (i) => [wallet(seed, i), amount(seed, i).toString()]);
const root = (tree) => [`"root":"${tree.root}"`];
const dump = (tree) => JSON.stringify(tree.dump()) + "\n";

// OpenZeppelin's own properties of a tree: it is what the library makes, all its
// leaves are provable, a proof of another tree is not, subsets are provable, and a
// dump is loaded and validated.
function properties(suite) {
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31, 100]) {
    for (const sortLeaves of [true, false]) {
      const rows = lists(n, `oz ${n}`), options = { sortLeaves };
      const tree = StandardMerkleTree.of(rows, pairs, options);
      const other = StandardMerkleTree.of(lists(n + 3, `other ${n}`), pairs, options);
      const claims = rows.map(([address, amount], i) => ({ address, amount, proof: tree.getProof(i) }));
      const wrong = claims.map((c, i) => ({ ...c, proof: other.getProof(i) }));
      const some = range(n, (i) => i).filter((i) => i % 3 !== 1);
      const multi = tree.getMultiProof(some);
      const build = { args: ["build", "--format", "oz", "--leaves", sortLeaves ? "sorted" : "listed", "--in", "list.csv", "--out", "x.tree", "--json"], says: root(tree) };
      const check = (file, says) => ({ args: ["verify", "--proofs", file, "--format", "oz", "--root", tree.root, "--json"], says });
      const name = `${sortLeaves ? "sorted" : "unsorted"}, ${n} leaves: `, list = { "list.csv": csv(rows) };
      write(suite, name + "the dump", list, build, { args: ["export", "--tree", "x.tree", "--as", "oz-json", "--out", "-"], exact: dump(tree) });
      write(suite, name + "every leaf is provable", { ...list, "claims.ndjson": lines(claims) }, build,
        check("claims.ndjson", [`"eligible":${n},`]),
        { args: ["export", "--tree", "x.tree", "--as", "shards", "--out", "shards"], proofs: Object.fromEntries(claims.map((c) => [c.address, { proof: c.proof }])) });
      write(suite, name + "a proof of another tree is none", { "claims.ndjson": lines(wrong) }, check("claims.ndjson", [`"eligible":0,`, `"ineligible":${n},`]));
      write(suite, name + "a subset is provable", { ...list, "some.csv": csv(some.map((i) => [rows[i][0]])) }, build,
        { args: ["multiproof", "--tree", "x.tree", "--in", "some.csv", "--json"], says: [
          `"leaves":${JSON.stringify(multi.leaves)}`, `"proof":${JSON.stringify(multi.proof)}`, `"proofFlags":${JSON.stringify(multi.proofFlags)}`] });
      write(suite, name + "load validates", { "dump.json": dump(tree), "broken.json": dump(tree).replace(tree.root, other.root) },
        { args: ["import", "--in", "dump.json", "--out", "x.tree", "--json"], says: root(tree) },
        { args: ["import", "--in", "broken.json", "--out", "y.tree"], fails: [other.root] });
    }
  }
}

// The four forms of a dump.
function fixtures(suite) {
  const letters = [..."abcdef"];
  for (const sortLeaves of [true, false]) {
    const trees = {
      "standard-v1": StandardMerkleTree.of(letters.map((c) => [c]), ["string"], { sortLeaves }),
      "simple-v1": SimpleMerkleTree.of(letters.map(hash), { sortLeaves }),
    };
    for (const [format, tree] of Object.entries(trees)) {
      tree.validate();
      write(suite, `${format} ${sortLeaves ? "sorted" : "unsorted"}`, { "dump.json": dump(tree) },
        { args: ["import", "--in", "dump.json", "--out", "x.tree", "--json"], says: [...root(tree), `"count":6,`] },
        { args: ["export", "--tree", "x.tree", "--as", "oz-json", "--out", "-"], exact: dump(tree) });
    }
  }
}

// Leaves of any types, built from a list, and read from a dump.
function types(suite) {
  const make = {
    address: (i) => wallet("types", i), uint: (i) => `${amount("types", i)}`, int: (i) => `${i % 2 ? "-" : ""}${i + 3}`,
    bool: (i) => i % 2 === 0, bytes: (i) => "0x" + "c0ffee".repeat(i * 5), string: (i) => `tier ${i}, é${"x".repeat(i * 40)}`,
  };
  for (const leaf of [
    ["address"], ["address", "uint256"], ["uint256", "address", "uint256"], ["address", "uint"], ["address", "uint128"],
    ["uint", "address", "uint256"], ["address", "uint96", "bool"], ["address", "uint256", "uint256"], ["address", "address", "uint256"],
    ["bytes32"], ["string"], ["address", "string", "uint64"], ["bytes", "address"], ["int256", "address", "int16"], ["address", "bytes4", "uint8", "bytes", "string"],
  ]) {
    const short = /^(u?int\d*,)?address,uint\d*$/.test(leaf.join(",")); // whose numbers are the same in any size
    const value = (type, column, i) => {
      if (short && leaf.length === 3 && column === 0) return `${i + 5}`; // an index
      const [, kind, size] = /^([a-z]+)(\d*)$/.exec(type);
      if (kind === "bytes" && size) return "0x" + hash(`${column} ${i}`).slice(2, 2 + 2 * Number(size));
      if (kind === "uint" && size && Number(size) < 128) return `${(i * 7 + column) % 200}`;
      return make[kind](i + 10 * column);
    };
    const rows = range(7, (i) => leaf.map((type, column) => value(type, column, i)));
    const tree = StandardMerkleTree.of(rows, leaf);
    const names = short ? ["index", "address", "amount"].slice(-leaf.length) : leaf.map((_, i) => `v${i}`);
    const quoted = rows.map((row) => row.map((cell) => (`${cell}`.includes(",") ? `"${cell}"` : cell)));
    write(suite, leaf.join(","), { "list.csv": csv([names, ...quoted]), "dump.json": dump(tree) },
      { args: ["build", "--leaf", leaf.join(","), "--in", "list.csv", "--out", "x.tree", "--json"], says: root(tree) },
      { args: ["import", "--in", "dump.json", "--out", "y.tree", "--json"], says: root(tree) },
      { args: ["tree", "check", "x.tree"] },
      { args: ["export", "--tree", "y.tree", "--as", "oz-json", "--out", "-"], exact: short ? dump(tree).replace(JSON.stringify(leaf), JSON.stringify(leaf.map((type) => type.replace(/^uint\d*$/, "uint256")))) : dump(tree) });
  }
}

// What Uniswap's merkle-distributor does with a list: wallets in the order of
// their EIP-55 text get the indexes, the text amounts of a map are hex digits, and
// the result has whole bytes of hex.
function distributor(balances) {
  const entries = Array.isArray(balances)
    ? balances.map(({ address, earnings }) => [getAddress(address), BigInt(earnings)])
    : Object.entries(balances).map(([address, value]) => [getAddress(address), BigInt("0x" + value.toString(16))]);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  const leaves = entries.map(([address, value], i) => solidityPackedKeccak256(["uint256", "address", "uint256"], [i, address, value]));
  const tree = new MerkleTree(leaves, (data) => Buffer.from(getBytes(keccak256(data))), { sort: true });
  const claims = entries.map(([address, value], index) => [address, { index, amount: toBeHex(value), proof: tree.getHexProof(leaves[index]) }]);
  return { merkleRoot: tree.getHexRoot(), tokenTotal: toBeHex(entries.reduce((sum, [, value]) => sum + value, 0n)), claims: Object.fromEntries(claims) };
}

function uniswap(suite) {
  for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 17, 32, 33, 100, 257, 1000]) {
    const hexes = n % 2 === 1; // a map has numbers, or texts of hex digits
    const small = (i) => 1 + Number(amount("map", i) % 1_000_000_000n);
    const spelled = (i) => (i % 3 ? wallet(`map ${n}`, i) : wallet(`map ${n}`, i).toLowerCase());
    const map = Object.fromEntries(range(n, (i) => [spelled(i), hexes ? amount("map", i).toString(16) : small(i)]));
    const array = range(n, (i) => ({ address: spelled(i), earnings: i % 2 ? toBeHex(amount("array", i)) : `${amount("array", i)}`, reasons: "" }));
    for (const [form, list] of [["the old form", map], ["the new form", array]]) {
      const want = distributor(list), extra = form === "the old form" && hexes ? ["--map-amounts", "hex"] : [];
      const result = JSON.stringify(want) + "\n";
      write(suite, `${form}, ${n} wallets`, { "list.json": JSON.stringify(list, null, n % 4 ? 2 : 0), "result.json": result },
        { args: ["build", "--format", "uniswap", "--in", "list.json", "--out", "x.tree", "--json", ...extra], says: [want.merkleRoot] },
        { args: ["export", "--tree", "x.tree", "--as", "uniswap-json", "--out", "-"], exact: result },
        { args: ["import", "--in", "result.json", "--out", "y.tree", "--json"], says: [want.merkleRoot] });
    }
  }
}

// The steps of a leaf's proof. merkletreejs itself leaves a node out that is joined
// with itself (duplicateOdd), and then refuses its own proof: it accepts this one.
function proofOf(tree, leaf) {
  let steps = tree.getProof(leaf);
  if (!tree.verify(steps, leaf, tree.getRoot())) {
    let at = tree.getLayers()[0].findIndex((node) => node.equals(leaf));
    steps = tree.getLayers().slice(0, -1).flatMap((level) => {
      const beside = level[at ^ 1] ?? level[at], position = at % 2 ? "left" : "right";
      at >>= 1;
      return [{ data: beside, position }];
    });
    if (!tree.verify(steps, leaf, tree.getRoot())) throw new Error("merkletreejs refuses the proof");
  }
  return steps;
}

// merkletreejs with all its options that a contract can follow.
function merkletreejs(suite) {
  const keccak = (data) => Buffer.from(getBytes(keccak256(data)));
  for (const sortLeaves of [false, true]) for (const sortPairs of [false, true]) for (const duplicateOdd of [false, true]) {
    for (let n = 1; n <= 24; n++) {
      const rows = lists(n, `js ${n}`);
      const leaves = rows.map((row) => keccak(AbiCoder.defaultAbiCoder().encode(pairs, row)));
      const options = { sortLeaves, sortPairs, duplicateOdd };
      const tree = new MerkleTree(leaves, keccak, options);
      const proofs = Object.fromEntries(rows.map(([address], i) => {
        const steps = proofOf(tree, leaves[i]);
        const proof = steps.map(({ data }) => "0x" + data.toString("hex"));
        return [address, sortPairs ? { proof } : { proof, sides: steps.map(({ position }) => position) }];
      }));
      const js = JSON.stringify({ ...options, leaves: tree.getHexLeaves(), layers: tree.getHexLayers() });
      write(suite, `${JSON.stringify(options)}, ${n} leaves`, { "list.csv": csv(rows), "tree.json": js },
        { args: ["build", "--leaf", pairs.join(","), "--encoding", "abi", "--hash", "1", "--tree", duplicateOdd ? "duplicated" : "promoted", "--leaves", sortLeaves ? "sorted" : "listed",
          "--pairs", sortPairs ? "sorted" : "positional", "--in", "list.csv", "--out", "x.tree", "--json"], says: [`"root":"${tree.getHexRoot()}"`] },
        { args: ["export", "--tree", "x.tree", "--as", "shards", "--out", "shards"], proofs },
        { args: ["import", "--in", "tree.json", "--out", "y.tree", "--json"], says: [`"root":"${tree.getHexRoot()}"`] });
    }
  }
}

// The tests of Sablier's Merkle API, of its reader of CSV and of its campaigns:
// what it accepts has its root here, what it refuses is refused, on the same row.
function sablier(suite) {
  const [a, b] = [wallet("sablier", 1), wallet("sablier", 2)];
  const campaign = (rows, decimals) => StandardMerkleTree.of(rows.map(([address, value], i) => [`${i}`, address, parseUnits(value.replace(/\.$/, ""), decimals).toString()]), ["uint", "address", "uint256"]);
  const build = (decimals) => ["build", "--format", "oz-indexed", "--decimals", `${decimals}`, "--in", "list.csv", "--out", "x.tree", "--json"];
  const right = (name, rows, decimals, publish) => {
    const tree = campaign(rows, decimals), files = { "list.csv": csv([["address", "amount"], ...rows]).trimEnd() };
    const steps = [{ args: build(decimals), says: root(tree) }];
    if (publish) {
      const total = [...tree.entries()].reduce((sum, [, [, , value]]) => sum + BigInt(value), 0n);
      const inside = JSON.stringify(tree.dump()).replace("leafEncoding", "leaf_encoding").replaceAll("treeIndex", "tree_index");
      files["campaign.json"] = JSON.stringify({ root: tree.root, total_amount: `${total}`, number_of_recipients: rows.length, merkle_tree: inside,
        recipients: [...tree.entries()].map(([, [, address, amount]]) => ({ address, amount })) });
      steps.push({ args: ["import", "--in", "campaign.json", "--out", "y.tree", "--json"], says: root(tree) });
    }
    write(suite, name, files, ...steps);
  };
  const wrong = (name, text, ...fails) => write(suite, name, { "list.csv": text }, { args: build(2), fails });
  write(suite, "reader: padding", { "one.csv": `${a},480.5`, "two.csv": `${a},613`, "three.csv": `${a},123.` },
    ...[["one", 3, 480500], ["two", 2, 61300], ["three", 1, 1230]].map(([file, decimals, total]) => (
      { args: ["build", "--format", "oz-indexed", "--decimals", `${decimals}`, "--in", `${file}.csv`, "--out", "x.tree", "--json"], says: [`"total":"${total}"`] })));
  const good = [[a, "100.0"], [b, "200.0"]];
  for (const part of ["reader", "campaign"]) {
    right(`${part}: valid`, good, 2, part === "campaign");
    wrong(`${part}: wrong header`, `address,amount_invalid\n${a},100.0\n${b},200.0`, "line 1", "amount");
    wrong(`${part}: missing header`, `address\n${a}\n${b}`, "line 1", "amount");
    wrong(`${part}: row without a column`, `address,amount\n${a}\n${b},200.0`, "line 2");
    wrong(`${part}: no address`, `address,amount\n0xThisIsNotAnAddress,100.0\n${b},200.0`, "line 2", "address");
    wrong(`${part}: the address twice`, `address,amount\n${a},100.0\n${a}, 200.0`, "line 3", "already");
    wrong(`${part}: letters for an amount`, `address,amount\n${a}, alphanumeric_amount\n${b},200.0`, "line 2", "amount");
    wrong(`${part}: zero`, `address,amount\n${a}, 0\n${b},200.0`, "line 2", "zero");
    wrong(`${part}: negative`, `address,amount\n${a}, -1\n${b},200.0`, "line 2", "negative");
    wrong(`${part}: too precise`, `address,amount\n${a}, 1.1234\n${b},200.0`, "line 2", "amount");
  }
}

// Files like those that Safe's CSV app is tested with: a list of one token makes a
// tree, and a list that would pay several tokens or token ids is refused.
function safe(suite) {
  const [t1, t2, t3] = range(3, (i) => wallet("token", i).toLowerCase());
  const [a, b, c] = range(3, (i) => wallet("safe", i));
  const build = ["build", "--format", "oz", "--decimals", "18", "--in", "list.csv", "--out", "x.tree", "--json"];
  const one = (name, text, rows) => write(suite, name, { "list.csv": text },
    { args: build, says: root(StandardMerkleTree.of(rows.map(([address, value]) => [address, parseUnits(value, 18).toString()]), pairs)) });
  const several = (name, text, ...fails) => write(suite, name, { "list.csv": text }, { args: build, fails });
  several("two tokens", csv([["token_address", "receiver", "amount"], [t1, a, "0.0001"], [t2, b, "0.0001"]]).trimEnd(), "line 3", "token");
  const regression = csv([["token_address", "receiver", "amount", "decimals"], [t1, a, "21440", "18"], [t1, b, "19400", "18"]]).trimEnd();
  one("whole tokens with a column of decimals", regression, [[a, "21440"], [b, "19400"]]);
  one("the chain's own coin", csv([["token_address", "receiver", "amount"], ["", a, "0.0001"], ["", b, "0.0002"]]), [[a, "0.0001"], [b, "0.0002"]]);
  several("six tokens", csv([["token_address", "receiver", "amount"], ...range(12, (i) => [wallet("token", i >> 1), wallet("safe", i), `0.000${i + 1}`])]), "line 4", "token");
  const many = range(200, (i) => [wallet("large", i), `${i + 1}.5`]);
  one("a long list of one token", csv([["token_address", "receiver", "amount"], ...many.map((row) => [t1, ...row])]), many);
  several("tokens, token ids and coins", `token_type,token_address,receiver,value,id\nerc1155,${t1},${a},69,1\nerc20,${t2},${a},0.5\nerc20,${t2},${a},0.19\nnative,,${a},0.1`, "line 2");
  one("columns in another order", csv([["receiver", "amount", "token_address", "decimals"], [a, "0.0001", t3, "18"], [b, "0.0002", t3, "18"]]).trimEnd(), [[a, "0.0001"], [b, "0.0002"]]);
  several("one wallet, five tokens", csv([["token_address", "receiver", "amount"], ...range(5, (i) => [wallet("token", i), c, "1"])]).trimEnd(), "line 3");
  one("the chain's own coin, without a last line end", csv([["token_address", "receiver", "amount"], ["", a, "0.0001"], ["", b, "0.0002"]]).trimEnd(), [[a, "0.0001"], [b, "0.0002"]]);
}

properties("OpenZeppelin: properties of a tree");
fixtures("OpenZeppelin: forms of dumps");
types("OpenZeppelin: leaves of any types");
uniswap("Uniswap: results of merkle-distributor");
merkletreejs("merkletreejs: roots, proofs and dumps");
sablier("Sablier: lists and campaigns");
safe("Safe: lists of the CSV app");

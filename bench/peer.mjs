// The JavaScript peer: @openzeppelin/merkle-tree, as its users call it.
//
//   node peer.mjs build LIST.csv PROOFS   times one list; prints JSON
//   node peer.mjs dumps < LISTS.ndjson    prints SHA-256 of each list's dump
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";

const encoding = ["address", "uint256"];
const seconds = (work) => {
  const start = process.hrtime.bigint();
  const value = work();
  return [value, Number(process.hrtime.bigint() - start) / 1e9];
};

function build(path, proofs) {
  const rows = readFileSync(path, "utf8").trim().split("\n").slice(1).map((line) => line.split(","));
  const [, first] = seconds(() => StandardMerkleTree.of(rows, encoding)); // warms up
  const [tree, second] = seconds(() => StandardMerkleTree.of(rows, encoding));
  const buildSeconds = Math.min(first, second);
  const wanted = Math.min(proofs, rows.length);
  const [all, proofSeconds] = seconds(() => {
    const all = [];
    for (let i = 0; i < wanted; i++) all.push(tree.getProof(i));
    return all;
  });
  const [ok, verifySeconds] = seconds(() => {
    let ok = 0;
    for (let i = 0; i < wanted; i++) ok += StandardMerkleTree.verify(tree.root, encoding, rows[i], all[i]);
    return ok;
  });
  const proofsDigest = createHash("sha256").update(JSON.stringify(all)).digest("hex");
  const memoryMiB = process.memoryUsage.rss() / 1048576;
  console.log(JSON.stringify({ root: tree.root, buildSeconds, proofs: wanted, proofSeconds, verifySeconds, ok, proofsDigest, memoryMiB }));
}

async function dumps() {
  for await (const line of createInterface({ input: process.stdin })) {
    const dump = StandardMerkleTree.of(JSON.parse(line), encoding).dump();
    console.log(createHash("sha256").update(JSON.stringify(dump) + "\n").digest("hex"));
  }
}

const [mode, path, proofs] = process.argv.slice(2);
if (mode === "build") build(path, Number(proofs));
else await dumps();

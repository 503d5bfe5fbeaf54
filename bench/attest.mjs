// Off-chain attestations as the EAS SDK signs them, made with ethers, one to a line.
//
//   node attest.mjs COUNT SCHEMA > ATTESTATIONS.ndjson
//
// Every second one is of version 1; levels go from -10 to 10.
import { AbiCoder, Signature, Wallet, ZeroAddress, ZeroHash, hexlify, keccak256, randomBytes, solidityPackedKeccak256, toUtf8Bytes } from "ethers";

const [count, schema] = [Number(process.argv[2]), process.argv[3]];
const domain = { name: "EAS Attestation", version: "0.26", chainId: 1n, verifyingContract: "0xA1207F3BBa224E2c9c3c6D5aF63D0eb1582Ce587" };
const fields = [
  ["version", "uint16"], ["schema", "bytes32"], ["recipient", "address"], ["time", "uint64"],
  ["expirationTime", "uint64"], ["revocable", "bool"], ["refUID", "bytes32"], ["data", "bytes"],
].map(([name, type]) => ({ name, type }));
const wallets = Array.from({ length: 7 }, (_, i) => new Wallet(keccak256(toUtf8Bytes(`attester ${i}`))));

function uidOf(m) {
  const types = ["uint16", "bytes", "address", "address", "uint64", "uint64", "bool", "bytes32", "bytes"];
  const values = [m.version, hexlify(toUtf8Bytes(m.schema)), m.recipient, ZeroAddress, m.time, m.expirationTime, m.revocable, m.refUID, m.data];
  if (m.salt) {
    types.push("bytes32");
    values.push(m.salt);
  }
  return solidityPackedKeccak256([...types, "uint32"], [...values, 0]);
}

for (let i = 0; i < count; i++) {
  const version = i % 2 ? 1 : 2;
  const wallet = wallets[i % wallets.length];
  const recipient = "0x" + (1000 + i).toString(16).padStart(40, "0");
  const data = AbiCoder.defaultAbiCoder().encode(["address", "int8", "string"], [recipient, (i % 21) - 10, i % 3 ? "" : "escrow, é"]);
  const message = { version, schema, recipient, time: 1700000000n + BigInt(i), expirationTime: 0n, revocable: true, refUID: ZeroHash, data };
  if (version === 2) message.salt = hexlify(randomBytes(32));
  const types = { Attest: version === 2 ? [...fields, { name: "salt", type: "bytes32" }] : fields };
  const { r, s, v } = Signature.from(await wallet.signTypedData(domain, types, message));
  const sig = { version, uid: uidOf(message), domain, primaryType: "Attest", types, message, signature: { v, r, s } };
  console.log(JSON.stringify({ sig, signer: wallet.address }, (_, value) => (typeof value === "bigint" ? value.toString() : value)));
}

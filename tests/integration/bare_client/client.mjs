// A client written from the .proto files and docs/formats alone: it names, signs and submits a
// transaction that creates a twin, and reads the twin back.
//
//   node client.mjs sign SEED BODY            prints the transaction id and the signature (hex)
//   node client.mjs token SEED BODY           prints the signature of a read token (hex)
//   node client.mjs create PROTOS ADDRESS NAME CERTIFICATE CHAIN IDENTITY SEED TWIN
//                                             prints the receipt and the twin
//
// SEED, BODY and CHAIN are hex, CERTIFICATE is base64; the output is one JSON object.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { join } from "node:path";

import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import protobuf from "protobufjs";

const TRANSACTION = Buffer.from("twinledger/v1/transaction\0");
const SIGN_TRANSACTION = Buffer.from("twinledger/v1/sign-transaction\0");
// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410).
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const READ_TOKEN = Buffer.from("twinledger/v1/read-token\0");
const READ_TOKEN_METADATA = "twinledger-read-token-bin";
const TOKEN_LIFETIME_US = 60_000_000;
const SUITE_ED25519 = 1;
const LIFETIME_US = 60_000_000;
const DEADLINE_MS = 30_000;

function keyOf(seed) {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
}

function publicBytes(key) {
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
}

function transactionId(body) {
  return createHash("sha256").update(TRANSACTION).update(body).digest();
}

function signature(key, domain, body) {
  return sign(null, Buffer.concat([domain, body]), key);
}

async function encoder(protos) {
  const root = new protobuf.Root();
  root.resolvePath = (_, target) => join(protos, target);
  await root.load("twinledger/v1/transaction.proto");
  await root.load("twinledger/v1/read_token.proto");
  return (type, message) => root.lookupType(`twinledger.v1.${type}`).encode(message).finish();
}

// What a call carries to say who makes it, at which node.
function tokens(encode, chainId, node, identity, key) {
  return (method) => {
    const issuedAtUs = Date.now() * 1000;
    const expiresAtUs = issuedAtUs + TOKEN_LIFETIME_US;
    const fields = { chainId, node, method, identity, issuedAtUs, expiresAtUs };
    const body = encode("ReadTokenBody", fields);
    const metadata = new grpc.Metadata();
    const token = encode("ReadToken", { body, signature: signature(key, READ_TOKEN, body) });
    metadata.set(READ_TOKEN_METADATA, Buffer.from(token));
    return metadata;
  };
}

function encodeTransaction(encode, chainId, identity, key, operation) {
  const body = encode("TransactionBody", {
    chainId,
    authors: [{ identity, publicKey: publicBytes(key), suite: SUITE_ED25519 }],
    expiresAtUs: Date.now() * 1000 + LIFETIME_US,
    salt: randomBytes(16),
    operations: [operation],
  });
  const signatures = [signature(key, SIGN_TRANSACTION, body)];
  return [transactionId(body), encode("SignedTransaction", { body, signatures })];
}

// Trusts one certificate and no other, under the name that stands in it.
function credentials(certificate) {
  const pem = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`;
  return grpc.credentials.createSsl(Buffer.from(pem));
}

function service(protos, name, file, node) {
  const definition = protoLoader.loadSync(`twinledger/v1/${file}`, {
    includeDirs: [protos],
    longs: String,
    enums: String,
    oneofs: true,
  });
  const { twinledger } = grpc.loadPackageDefinition(definition);
  return new twinledger.v1[name](node.address, credentials(node.certificate), {
    "grpc.ssl_target_name_override": node.name,
  });
}

function call(client, method, request, stamp) {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + DEADLINE_MS };
    const metadata = stamp(client[method].path);
    const answered = (error, answer) => (error ? reject(error) : resolve(answer));
    client[method](request, metadata, options, answered);
  });
}

async function create(protos, address, name, certificate, chain, identity, seed, twinId) {
  const node = { address, name, certificate };
  const key = keyOf(Buffer.from(seed, "hex"));
  const operation = {
    createTwin: {
      twinId,
      model: "dtmi:example:Pump;1",
      changes: [{ path: "flow", set: { doubleValue: 12.5 } }],
    },
  };
  const chainId = Buffer.from(chain, "hex");
  const encode = await encoder(protos);
  // The ledger knows a node by its client address, too.
  const stamp = tokens(encode, chainId, address, identity, key);
  const [id, transaction] = encodeTransaction(encode, chainId, identity, key, operation);
  const ledger = service(protos, "LedgerService", "ledger_service.proto", node);
  const twins = service(protos, "TwinService", "twin_service.proto", node);
  const submission = { transaction, waitFor: "WAIT_FOR_COMMITTED" };
  const { status } = await call(ledger, "Submit", submission, stamp);
  const minHeight = status.receipt.height;
  const { twin } = await call(twins, "GetTwin", { twinId, minHeight }, stamp);
  ledger.close();
  twins.close();
  return {
    sent: id.toString("hex"),
    stage: status.stage,
    receipt: status.receipt.transactionId.toString("hex"),
    twin: { id: twin.twinId, owner: twin.owner, version: twin.version, model: twin.model },
    properties: twin.properties.map(({ path, value }) => [path, value.doubleValue]),
  };
}

function signBody(seed, body) {
  const bytes = Buffer.from(body, "hex");
  const key = keyOf(Buffer.from(seed, "hex"));
  return {
    transactionId: transactionId(bytes).toString("hex"),
    publicKey: publicBytes(key).toString("hex"),
    signature: signature(key, SIGN_TRANSACTION, bytes).toString("hex"),
  };
}

function signToken(seed, body) {
  const key = keyOf(Buffer.from(seed, "hex"));
  const bytes = Buffer.from(body, "hex");
  return { signature: signature(key, READ_TOKEN, bytes).toString("hex") };
}

const [command, ...rest] = process.argv.slice(2);
const commands = { sign: signBody, token: signToken, create };
if (!(command in commands)) {
  throw new Error(`unknown command: ${command}`);
}
console.log(JSON.stringify(await commands[command](...rest)));

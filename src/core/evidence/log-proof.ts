/**
 * What a bundle says about the host's log: `checkpoint.txt`, and `proofs.json` that the first and the last record of the run are in it. Pure.
 *
 *   LP1  the leaf of a record is the hash of its header (RFC 6962): a withheld event changes no leaf;
 *   LP2  the checkpoint is of the log that the genesis names, is signed by a checkpoint key of the keyset, and covers both ends of the run, in order
 *        and with room for the records between;
 *   LP3  it goes on from the checkpoint that the genesis found: nothing was taken out of the log while the run went on.
 * LIMIT: that the log was shown to others as the same one is said by witnesses, or by two auditors who compare.
 */
import { type Bytes, equalBytes, fromBase64, toBase64 } from '../../base/bytes.ts';
import { jcsBytes } from '../../base/canonical-json.ts';
import { CellError, isCellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { emptyRoot, HASH_BYTES, TREE_SIZE_MAX } from './merkle.ts';
import { verifyConsistency, verifyInclusion } from './merkle-proofs.ts';
import { isNoteKeyName } from './note-key.ts';

/** Places and size are decimal texts: they may be above 2⁵³. */
export interface LogPlace {
  readonly origin: string;
  /** Leaf of the first record, from 0. */
  readonly first: string;
  /** Leaf of the last record; leaves of other runs may stand between. */
  readonly last: string;
  /** Leaves that the checkpoint covers. */
  readonly size: string;
  /** Keys of the keyset that signed the checkpoint, at least one. */
  readonly signers: readonly string[];
}

/** A consistency proof of a tree of 2^64 leaves has no more. */
const PROOF_NODES_MAX = 65;

/** The log as a run found it, in its genesis; a size of 0: nothing was in it. */
export interface LogAnchor {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Bytes;
}

export interface LeafProof {
  readonly index: bigint;
  readonly proof: readonly Bytes[];
}

export interface LogProofs {
  readonly first: LeafProof;
  readonly last: LeafProof;
  /** From the size of the anchor to that of the checkpoint; empty from 0. */
  readonly since: readonly Bytes[];
}

export function anchorJson({ origin, size, root }: LogAnchor): JsonObject {
  return jsonObject({ origin, size: String(size), root: toBase64(root) });
}

function bad(what: string): never {
  throw new CellError('evidence.invalid', `Cannot accept the proof that the run is in the log of its host: ${what}`);
}

/** One spelling: no sign, no leading zero. */
function parseSize(value: JsonValue | undefined): bigint | undefined {
  const size = typeof value === 'string' && /^(?:0|[1-9][0-9]{0,19})$/.test(value) ? BigInt(value) : undefined;
  return size === undefined || size > TREE_SIZE_MAX ? undefined : size;
}

function parseHash(value: JsonValue | undefined): Bytes | undefined {
  const hash = typeof value === 'string' ? fromBase64(value) : undefined;
  return hash?.byteLength === HASH_BYTES ? hash : undefined;
}

function hashesOf(value: JsonValue | undefined, what: string): Bytes[] {
  if (!isJsonArray(value) || value.length > PROOF_NODES_MAX) bad(`${what} is not a list of nodes`);
  return value.map((node) => parseHash(node) ?? bad(`a node of ${what} is not a hash in base64`));
}

/** @returns undefined for what is none */
export function parseAnchor(value: JsonValue | undefined): LogAnchor | undefined {
  if (!isJsonObject(value) || Object.keys(value).length !== 3) return undefined;
  const { origin, size: sizeText, root: rootText } = value;
  const [size, root] = [parseSize(sizeText), parseHash(rootText)];
  if (typeof origin !== 'string' || !isNoteKeyName(origin) || size === undefined || root === undefined) return undefined;
  return size === 0n && !equalBytes(root, emptyRoot()) ? undefined : { origin, size, root };
}

const leafJson = ({ index, proof }: LeafProof): JsonObject => jsonObject({ index: String(index), proof: proof.map(toBase64) });

/** The bytes of `proofs.json`: RFC 8785. */
export function proofsBytes({ first, last, since }: LogProofs): Bytes {
  return jcsBytes(jsonObject({ v: 1, first: leafJson(first), last: leafJson(last), since: since.map(toBase64) }));
}

function leafProof(value: JsonValue | undefined, what: string): LeafProof {
  if (!isJsonObject(value) || Object.keys(value).length !== 2) bad(`it does not prove ${what}`);
  return { index: parseSize(value['index']) ?? bad(`the place of ${what} is not a number`), proof: hashesOf(value['proof'], what) };
}

/** @throws CellError `evidence.invalid` | `json.invalid` */
export function parseProofs(bytes: Bytes): LogProofs {
  const value = parseJson(bytes);
  if (!isJsonObject(value) || Object.keys(value).length !== 4 || value['v'] !== 1 || !equalBytes(jcsBytes(value), bytes)) bad('proofs.json is not one canonical object of version 1');
  return { first: leafProof(value['first'], 'the first record'), last: leafProof(value['last'], 'the last record'), since: hashesOf(value['since'], 'what came before') };
}

export interface LoggedRun {
  readonly anchor: LogAnchor;
  readonly count: number;
  /** Leaf hashes of the first and the last record [LP1]. */
  readonly first: Bytes;
  readonly last: Bytes;
}

function openCheckpoint(note: Bytes, origin: string, keys: ReadonlyMap<string, Bytes>): { checkpoint: Checkpoint; kids: readonly string[] } {
  let checkpoint: Checkpoint;
  try {
    checkpoint = parseCheckpoint(note, [...keys.values()].map((publicKey) => ({ name: origin, publicKey })), { origin });
  } catch (error) {
    if (!isCellError(error, 'signature.invalid')) throw error;
    return bad(error.message);
  }
  const signed = [...keys].filter(([, publicKey]) => checkpoint.logKeys.some((key) => equalBytes(key.publicKey, publicKey)));
  return { checkpoint, kids: signed.map(([kid]) => kid) };
}

/**
 * Holds checkpoint and proofs against the records of a run.
 *
 * @param keys kid → Ed25519 public key of the keys whose purpose is `checkpoint`
 * @returns the head, where the run stands, and which keys signed it: whether one of them counts there is the caller's to ask
 * @throws CellError `evidence.invalid` | `json.invalid`
 */
export function verifyLogProofs(files: { readonly note: Bytes; readonly proofs: Bytes }, run: LoggedRun, keys: ReadonlyMap<string, Bytes>): { checkpoint: Checkpoint; place: LogPlace } {
  const { anchor, count } = run;
  const { checkpoint, kids } = openCheckpoint(files.note, anchor.origin, keys);
  const { size, root } = checkpoint;
  const { first, last, since } = parseProofs(files.proofs);
  if (last.index - first.index < BigInt(count) - 1n || first.index < anchor.size) bad(`between the records there is no room for ${count} that came after the run began`); // LP2
  if (!verifyInclusion({ leafHash: run.first, index: first.index, size, proof: first.proof, root })) bad('the first record is not in the log where it says');
  if (!verifyInclusion({ leafHash: run.last, index: last.index, size, proof: last.proof, root })) bad('the last record is not in the log where it says');
  const grown = anchor.size === 0n ? since.length === 0 : verifyConsistency({ size1: anchor.size, root1: anchor.root, size2: size, root2: root, proof: since });
  if (!grown) bad('the log does not go on from where the run found it'); // LP3
  return { checkpoint, place: { origin: anchor.origin, first: String(first.index), last: String(last.index), size: String(size), signers: kids } };
}

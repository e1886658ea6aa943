/**
 * Chains that nodes keep across hosts (reference/02 §10): each entry is a signed event that names its node, its place and the digest of the
 * entry before it.
 *
 *   H1  the functions without options give the reference's verdict;
 *   H2  ours adds: the type of an entry, one signer a node, and the heads that have to be there, so that a cut tail and a missing node show.
 */
import { type Bytes, utf8 } from '../../base/bytes.ts';
import { sha256Hex } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonInteger, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { EVENTS } from '../events/catalogue.ts';
import { canonicalEventText } from '../events/envelope-codec.ts';
import type { CloudEvent, SignedEventEnvelope } from '../events/envelope.ts';
import { type EventSigner, signEvent, verifyEnvelope } from '../signing/envelope.ts';

/** `prevDigest` of a node's first entry. */
export const CROSS_HOST_GENESIS = '0'.repeat(64);

export interface CrossHostEntry {
  readonly nodeId: string;
  readonly seq: number | bigint;
  readonly prevDigest: string;
  readonly payload: JsonValue;
}

export type CrossHostRefusal = 'missing-data' | 'node-missing' | 'node-shape' | 'seq-missing' | 'seq-shape' | 'prev-missing' | 'prev-shape' | 'seq-gap' | 'chain-break' | 'other-type' | 'other-signer' | 'head-missing';

function refuse(reason: CrossHostRefusal, message: string): never {
  throw new CellError('evidence.invalid', `Cannot accept a cross-host chain: ${message}`, { facts: { reason } });
}

export function signCrossHostEntry(entry: CrossHostEntry, signer: EventSigner): SignedEventEnvelope {
  const { nodeId, seq, prevDigest, payload } = entry;
  const data = jsonObject({ nodeId, seq, prevDigest, payload });
  return signEvent({ specversion: '1.0', id: `${nodeId}-${seq}`, source: `cellos-node:${nodeId}`, type: EVENTS.crossHostEntry.type, datacontenttype: 'application/json', data }, signer);
}

/** What the next entry of the node names: SHA-256 of the canonical event, lowercase hex without prefix. */
export function crossHostEntryDigest(event: CloudEvent): string {
  return sha256Hex(utf8(canonicalEventText(event)));
}

function textMember(data: JsonObject, key: 'nodeId' | 'prevDigest', reason: 'node' | 'prev'): string {
  const value = data[key];
  if (value === undefined) refuse(`${reason}-missing`, `an entry has no ${key}`);
  return typeof value === 'string' ? value : refuse(`${reason}-shape`, `the ${key} of an entry is not a string`);
}

interface Checked {
  readonly nodeId: string;
  readonly seq: bigint;
  readonly prevDigest: string;
  readonly digest: string;
}

function checkEntry(event: CloudEvent): Checked {
  if (event.data === undefined) refuse('missing-data', 'an entry has no data');
  const data = isJsonObject(event.data) ? event.data : jsonObject({});
  const nodeId = textMember(data, 'nodeId', 'node');
  const { seq } = data;
  if (seq === undefined) refuse('seq-missing', 'an entry has no seq');
  if (!isJsonInteger(seq) || seq < 0) refuse('seq-shape', 'the seq of an entry is not an integer within u64');
  return { nodeId, seq: BigInt(seq), prevDigest: textMember(data, 'prevDigest', 'prev'), digest: crossHostEntryDigest(event) };
}

/** What a verifier of ours demands besides [H2]. */
export interface CrossHostPolicy {
  /** node → the one key id that may sign for it. */
  readonly signers: ReadonlyMap<string, string>;
  /** node → digest of an entry that has to be in its chain. */
  readonly heads?: ReadonlyMap<string, string>;
}

/**
 * @param entries in any order
 * @returns node → highest seq. @throws CellError `signature.invalid` | `evidence.invalid` with the fact `reason`
 */
export function verifyCrossHostChains(entries: readonly SignedEventEnvelope[], keys: ReadonlyMap<string, Bytes>, policy?: CrossHostPolicy): Map<string, bigint> {
  const byNode = new Map<string, Checked[]>();
  for (const envelope of entries) {
    const event = verifyEnvelope(envelope, { ed25519: keys });
    const checked = checkEntry(event);
    if (policy !== undefined) {
      if (event.type !== EVENTS.crossHostEntry.type) refuse('other-type', `an entry is of the type ${event.type}`);
      if (policy.signers.get(checked.nodeId) !== envelope.signerKid) refuse('other-signer', `"${envelope.signerKid}" may not sign for the node ${checked.nodeId}`);
    }
    const node = byNode.get(checked.nodeId);
    if (node === undefined) byNode.set(checked.nodeId, [checked]);
    else node.push(checked);
  }
  for (const [node, head] of policy?.heads ?? []) {
    if (byNode.get(node)?.some(({ digest }) => digest === head) !== true) refuse('head-missing', `the chain of the node ${node} does not hold the entry ${head}`);
  }
  return new Map([...byNode].map(([node, chain]) => [node, verifyNode(node, chain)]));
}

function verifyNode(node: string, entries: Checked[]): bigint {
  entries.sort((a, b) => (a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0));
  let prev = CROSS_HOST_GENESIS;
  let expected = 0n;
  for (const { seq, prevDigest, digest } of entries) {
    if (seq !== expected) refuse('seq-gap', `the node ${node} has the entry ${seq} where ${expected} should stand`);
    if (prevDigest !== prev) refuse('chain-break', `the entry ${seq} of the node ${node} does not follow the one before it`);
    prev = digest;
    expected += 1n;
  }
  return expected - 1n;
}

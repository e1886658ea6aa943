/**
 * Checkpoints (C2SP tlog-checkpoint): the head of a Merkle log as a signed note of three lines. Pure.
 *
 *   P1  a log signs under its origin as the name of its key (C2SP: SHOULD). Where a known key has the origin as its name, no other key speaks for that
 *       log; a witness never does;
 *   P2  it has one spelling: no leading zero, canonical base64, 32 bytes; a tree without leaves has the root of one;
 *   P3  an origin is of one host and one epoch of its log: a log that starts anew has another origin, so no two histories share a name.
 */
import { type Bytes, equalBytes, fromBase64, toBase64 } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import { isPortableIdentifier } from '../../base/ids.ts';
import { emptyRoot, HASH_BYTES, TREE_SIZE_MAX } from './merkle.ts';
import { type NoteKey, parseVerifierKey } from './note-key.ts';
import { type NoteSigner, type NoteVerifiers, openNote, refuseNote, signNote } from './signed-note.ts';

export interface TreeHead {
  /** Names the log; not empty, one line. */
  readonly origin: string;
  /** Leaves, at most 2^64 − 1. */
  readonly size: bigint;
  /** 32 bytes. */
  readonly root: Bytes;
  /** Lines whose meaning is the log's own; none of them empty. CellOS writes none. */
  readonly extensions: readonly string[];
}

/** A witness that has seen this head, and none of the same log that contradicts it. */
export interface Cosignature {
  readonly key: Required<NoteKey>;
  /** When it says it signed, seconds since 1970. */
  readonly timestamp: bigint;
}

export interface Checkpoint extends TreeHead {
  /** What was signed. */
  readonly text: string;
  /** Keys of the log that signed, at least one. */
  readonly logKeys: readonly Required<NoteKey>[];
  /** Of the witnesses that are known. */
  readonly cosignatures: readonly Cosignature[];
  /** Signatures of keys that are not known. */
  readonly unknown: number;
}

/** The origin of a host's log [P3]. @param epoch from 1; one more each time the log starts anew */
export function hostLogOrigin({ host, epoch }: { host: string; epoch: number }): string {
  assert(isPortableIdentifier(host) && Number.isSafeInteger(epoch) && epoch >= 1, 'a log is of a host with a portable name, in an epoch from 1');
  return `cellos.dev/log/${host}/${epoch}`;
}

/** The text that is signed. */
export function checkpointText({ origin, size, root, extensions }: TreeHead): string {
  assert(root.byteLength === HASH_BYTES && [origin, ...extensions].every((line) => line !== '' && !line.includes('\n')), 'a checkpoint is made of lines that are not empty, and a hash');
  return [origin, String(size), toBase64(root), ...extensions].map((line) => `${line}\n`).join('');
}

/** Reads the text of a checkpoint, whoever signed it. @throws CellError `signature.invalid` with the reason `malformed` */
export function parseCheckpointText(text: string): TreeHead {
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.length < 3 || lines.includes('')) refuseNote('malformed', 'it is not a checkpoint: that has at least three lines, none of them empty');
  const [origin = '', sizeText = '', rootText = '', ...extensions] = lines;
  const size = /^(?:0|[1-9][0-9]{0,19})$/.test(sizeText) ? BigInt(sizeText) : -1n;
  if (size < 0n || size > TREE_SIZE_MAX) refuseNote('malformed', 'its second line is not the size of a tree');
  const root = fromBase64(rootText);
  if (root === undefined || root.byteLength !== HASH_BYTES) refuseNote('malformed', `its third line is not a hash of ${HASH_BYTES} bytes in base64`);
  if (size === 0n && !equalBytes(root, emptyRoot())) refuseNote('malformed', 'it gives the tree without leaves a root that is not its'); // P2
  return { origin, size, root, extensions };
}

/** @param signers the log's own key, whose name is the origin, first. @throws CellError `crypto.key`, and what a signer throws */
export function signCheckpoint(head: TreeHead, signers: readonly NoteSigner[]): Bytes {
  assert(signers.some(({ key }) => key.name === head.origin && key.algorithm !== 'cosignature-v1'), 'a log signs its checkpoints under its origin [P1]');
  return signNote(checkpointText(head), signers);
}

const nameOf = (verifier: string | NoteKey): string => (typeof verifier === 'string' ? (verifier.split('+')[0] as string) : verifier.name);

const isLogKey = (verifier: string | NoteKey): boolean => (typeof verifier === 'string' ? parseVerifierKey(verifier) : verifier).algorithm !== 'cosignature-v1';

/**
 * Reads a checkpoint that a known log has signed.
 *
 * @param verifiers keys of logs, and of witnesses: vkeys, or name and key
 * @param options.origin the log that is expected. Without it the caller looks at the `origin` that is returned
 * @returns with every signature of a known key verified; those of other keys are counted only
 * @throws CellError `signature.invalid` with the fact `reason`: `malformed`; `bad-signature` when a known key's signature does not fit; `untrusted` when
 *   no known key of this log signed [P1], or it is another log. `crypto.key` for a verifier that is none
 */
export function parseCheckpoint(bytes: Bytes, verifiers: NoteVerifiers, options: { readonly origin?: string } = {}): Checkpoint {
  const { text, signatures, unknown } = openNote(bytes, verifiers);
  const head = parseCheckpointText(text);
  if (options.origin !== undefined && head.origin !== options.origin) refuseNote('untrusted', `it is of the log "${head.origin}", not of "${options.origin}"`);
  const owned = verifiers.some((verifier) => nameOf(verifier) === head.origin && isLogKey(verifier));
  const logKeys = signatures.filter(({ key, timestamp }) => timestamp === undefined && (!owned || key.name === head.origin)).map(({ key }) => key);
  if (logKeys.length === 0) refuseNote('untrusted', `no known key of the log "${head.origin}" has signed it`);
  const cosignatures = signatures.flatMap(({ key, timestamp }) => (timestamp === undefined ? [] : [{ key, timestamp }]));
  return { ...head, text, logKeys, cosignatures, unknown };
}

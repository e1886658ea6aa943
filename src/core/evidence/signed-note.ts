/**
 * Signed notes (C2SP signed-note): a text, an empty line, and a line for each signature. Pure.
 *
 *   N1  the text counts when a known key has signed it and no known key has signed it wrongly;
 *   N2  a key is known by its name and key id together; signatures of other keys are counted, and nothing more;
 *   N3  a known key signs once: a note has one form for each set of its signatures that count;
 *   N4  what the algorithms sign begins differently, so no signature passes as one of the other algorithm (C2SP tlog-cosignature, "Signed message").
 */
import { type Bytes, concatBytes, fromBase64, fromHex, toBase64, toHex, tryDecodeUtf8, utf8 } from '../../base/bytes.ts';
import { verifyEd25519 } from '../../base/crypto.ts';
import { assert, CellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { isNoteKeyName, type NoteKey, noteKeyId, parseVerifierKey } from './note-key.ts';

/** Why a note was refused: closed. */
export type NoteRefusal = 'malformed' | 'bad-signature' | 'untrusted';

export function refuseNote(reason: NoteRefusal, why: string): never {
  throw new CellError('signature.invalid', `Cannot accept a signed note: ${why}`, { facts: { reason } });
}

/** A signature that was verified. */
export interface NoteSignature {
  readonly key: Required<NoteKey>;
  /** When a witness says it signed, seconds since 1970. Only of cosignatures. */
  readonly timestamp?: bigint;
}

export interface SignedNote {
  /** With its last newline, without the empty line after it. */
  readonly text: string;
  /** At least one, each of another key, in the order of the note. */
  readonly signatures: readonly NoteSignature[];
  /** How many signatures are of keys that are not known [N2]. */
  readonly unknown: number;
}

/** Known keys: vkeys, or name and key. */
export type NoteVerifiers = readonly (string | NoteKey)[];

/** Anything that signs with one key of notes. */
export interface NoteSigner {
  readonly key: NoteKey;
  /** Of a cosignature: when, seconds since 1970. */
  readonly timestamp?: bigint;
  sign(message: Bytes): Bytes;
}

const SIGNATURE_BYTES = 64;
const TIMESTAMP_BYTES = 8;
const TIMESTAMP_MAX = 2n ** 63n - 1n;

/** What is signed of a text [N4]. */
function messageOf(text: string, timestamp?: bigint): Bytes {
  return utf8(timestamp === undefined ? text : `cosignature/v1\ntime ${timestamp}\n${text}`);
}

/** Key name and key id → key. @throws CellError `crypto.key` */
function knownKeys(verifiers: NoteVerifiers): Map<string, Required<NoteKey>> {
  const known = new Map<string, Required<NoteKey>>();
  for (const verifier of verifiers) {
    const key = typeof verifier === 'string' ? parseVerifierKey(verifier) : { algorithm: 'ed25519' as const, ...verifier };
    const id = `${key.name} ${noteKeyId(key)}`;
    const other = known.get(id);
    if (other !== undefined && toHex(other.publicKey) !== toHex(key.publicKey)) throw new CellError('crypto.key', `Cannot use the verifier keys of a note: two different keys are named "${key.name}" and have the key id ${noteKeyId(key)}`);
    known.set(id, key);
  }
  return known;
}

interface SignatureLine {
  readonly name: string;
  readonly keyId: string;
  readonly signature: Bytes;
}

function parseSignatureLine(line: string): SignatureLine {
  const [, name = '', base64 = ''] = /^\u2014 ([^ ]+) ([^ ]+)$/u.exec(line) ?? [];
  const bytes = fromBase64(base64);
  if (!isNoteKeyName(name) || bytes === undefined || bytes.byteLength < 5) refuseNote('malformed', 'a line of its signatures is not a dash, the name of a key, and a signature in base64');
  return { name, keyId: toHex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

/** Text and signature lines. @throws CellError `signature.invalid` with the reason `malformed` */
function splitNote(bytes: Bytes): { text: string; lines: SignatureLine[] } {
  if (bytes.byteLength > LIMITS.noteSizeBytesMax) refuseNote('malformed', `it is longer than ${LIMITS.noteSizeBytesMax} bytes`);
  const note = tryDecodeUtf8(bytes) ?? refuseNote('malformed', 'it is not valid UTF-8');
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) refuseNote('malformed', 'it has a control character other than a newline');
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n')) refuseNote('malformed', 'it has no empty line between its text and its signatures, or no newline at its end');
  const lines = note.slice(split + 2).split('\n').slice(0, -1);
  if (lines.length === 0) refuseNote('malformed', 'it has no signature');
  if (lines.length > LIMITS.noteSignaturesMax) refuseNote('malformed', `it has more than ${LIMITS.noteSignaturesMax} signatures`);
  return { text: note.slice(0, split + 1), lines: lines.map(parseSignatureLine) };
}

function verifyLine(text: string, key: Required<NoteKey>, signature: Bytes): NoteSignature {
  const cosigned = key.algorithm === 'cosignature-v1';
  const refuse = (): never => refuseNote('bad-signature', `the signature of "${key.name}" does not fit its text`);
  if (signature.byteLength !== SIGNATURE_BYTES + (cosigned ? TIMESTAMP_BYTES : 0)) refuse();
  const timestamp = cosigned ? BigInt(`0x${toHex(signature.subarray(0, TIMESTAMP_BYTES))}`) : undefined;
  if (timestamp !== undefined && timestamp > TIMESTAMP_MAX) refuse();
  if (!verifyEd25519({ publicKey: key.publicKey, message: messageOf(text, timestamp), signature: signature.subarray(-SIGNATURE_BYTES) })) refuse();
  return { key, ...(timestamp === undefined ? {} : { timestamp }) };
}

/** What a note says, whoever signed it. @throws CellError `signature.invalid` with the reason `malformed` */
export function noteText(bytes: Bytes): string {
  return splitNote(bytes).text;
}

/**
 * Reads a note that known keys have signed [N1].
 *
 * @param bytes at most 1 MiB and 100 signatures
 * @throws CellError `signature.invalid` with the fact `reason` ({@link NoteRefusal}); `crypto.key` for a verifier that is none
 */
export function openNote(bytes: Bytes, verifiers: NoteVerifiers): SignedNote {
  const known = knownKeys(verifiers);
  const { text, lines } = splitNote(bytes);
  const signatures = new Map<string, NoteSignature>();
  let unknown = 0;
  for (const { name, keyId, signature } of lines) {
    const id = `${name} ${keyId}`;
    const key = known.get(id);
    if (key === undefined) {
      unknown += 1;
      continue;
    }
    if (signatures.has(id)) refuseNote('malformed', `"${name}" has signed it twice`); // N3
    signatures.set(id, verifyLine(text, key, signature));
  }
  if (signatures.size === 0) refuseNote('untrusted', `none of its ${lines.length} signatures is of a known key`);
  return { text, signatures: [...signatures.values()], unknown };
}

/** One signature as a line, newline included. @throws CellError `crypto.key`, and what the signer throws */
export function signatureLine(text: string, { key, timestamp, sign }: NoteSigner): string {
  const cosigned = key.algorithm === 'cosignature-v1';
  assert(cosigned === (timestamp !== undefined), 'a cosignature has a time, and no other signature has');
  const id = fromHex(noteKeyId(key)) as Bytes;
  const time = timestamp === undefined ? '' : timestamp.toString(16).padStart(2 * TIMESTAMP_BYTES, '0');
  return `\u2014 ${key.name} ${toBase64(concatBytes([id, fromHex(time) as Bytes, sign(messageOf(text, timestamp))]))}\n`;
}

/** @param text ends with a newline, and has no other control character. @throws CellError as {@link signatureLine} */
export function signNote(text: string, signers: readonly NoteSigner[]): Bytes {
  assert(text.endsWith('\n') && text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text) && signers.length > 0, 'a note is a text of lines, and somebody signs it');
  return utf8(`${text}\n${signers.map((signer) => signatureLine(text, signer)).join('')}`);
}

/** The note with one more signature. What it says of the text is for {@link openNote} to find out. */
export function withSignature(note: Bytes, line: string): Bytes {
  return concatBytes([note, utf8(line)]);
}

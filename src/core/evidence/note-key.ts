/**
 * Keys of signed notes (C2SP signed-note, "Signatures"; C2SP tlog-cosignature). Pure.
 *
 * A key is a name, an algorithm and 32 bytes; its key id is made of all three, so the same bytes under another name or for another use are another
 * key. A *vkey* is the text form of one: `NAME+KEYID+BASE64(TYPE ‖ KEY)`.
 */
import { type Bytes, concatBytes, fromBase64, toBase64, toHex, utf8 } from '../../base/bytes.ts';
import { sha256 } from '../../base/crypto.ts';
import { isAdmissiblePoint } from '../../base/ed25519-point.ts';
import { CellError } from '../../base/errors.ts';

/** `ed25519`: signs the text of a note. `cosignature-v1`: a witness signs a time and the text of a checkpoint. */
export type NoteAlgorithm = 'ed25519' | 'cosignature-v1';

/** C2SP signed-note, "Signature types". */
const TYPE_BYTE: Readonly<Record<NoteAlgorithm, number>> = { ed25519: 0x01, 'cosignature-v1': 0x04 };

export interface NoteKey {
  /** Not empty, without space and `+`. Of a log: its origin. */
  readonly name: string;
  /** Default `ed25519`. */
  readonly algorithm?: NoteAlgorithm;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Bytes;
}

/** Is this the name of a key? Unicode spaces are those with the property White_Space. */
export function isNoteKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}+\u0000-\u001f]/u.test(name) && name.isWellFormed();
}

function refuse(what: string): never {
  throw new CellError('crypto.key', `Cannot use the verifier key of a note: ${what}`);
}

function checkNoteKey({ name, algorithm = 'ed25519', publicKey }: NoteKey): void {
  if (typeof name !== 'string' || !isNoteKeyName(name)) refuse(`${JSON.stringify(name)} is not a name: it is empty, or has a space or a plus in it`);
  if (!Object.hasOwn(TYPE_BYTE, algorithm)) refuse(`the algorithm "${algorithm}" of "${name}" is neither ed25519 nor cosignature-v1`);
  if (!(publicKey instanceof Uint8Array) || publicKey.byteLength !== 32) refuse(`the key of "${name}" is not 32 bytes long`);
}

/** The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ key), 8 hex digits. @throws CellError `crypto.key` */
export function noteKeyId(key: NoteKey): string {
  checkNoteKey(key);
  return toHex(sha256(concatBytes([utf8(`${key.name}\n`), Uint8Array.of(TYPE_BYTE[key.algorithm ?? 'ed25519']), key.publicKey])).subarray(0, 4));
}

/** The vkey of a key. @throws CellError `crypto.key` */
export function verifierKeyText(key: NoteKey): string {
  return `${key.name}+${noteKeyId(key)}+${toBase64(Uint8Array.of(TYPE_BYTE[key.algorithm ?? 'ed25519'], ...key.publicKey))}`;
}

/** Reads a vkey; its key id has to be that of what it names, and its point one that can be trusted (not of small order, one encoding). @throws CellError `crypto.key` */
export function parseVerifierKey(text: string): Required<NoteKey> {
  const [, name, id, base64] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/su.exec(text) ?? refuse(`${JSON.stringify(text)} is not of the form NAME+KEYID+BASE64`);
  const bytes = fromBase64(base64 as string);
  if (bytes === undefined || bytes.byteLength !== 33) refuse(`"${name}" has no key of 32 bytes after a byte for its type, in base64`);
  const algorithm = (['ed25519', 'cosignature-v1'] as const).find((one) => TYPE_BYTE[one] === bytes[0]) ?? refuse(`"${name}" is of the type ${bytes[0]}, and 1 (Ed25519) and 4 (cosignature) are known`);
  const key = { name: name as string, algorithm, publicKey: bytes.slice(1) };
  if (noteKeyId(key) !== id) refuse(`the key id of "${name}" is ${noteKeyId(key)}, and the text says ${id}`);
  if (!isAdmissiblePoint(key.publicKey)) refuse(`the key of "${name}" is no point that a signature can be held against`);
  return key;
}

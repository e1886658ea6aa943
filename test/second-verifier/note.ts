/** Checkpoints of a log as signed notes (section 9; c2sp.org/signed-note, c2sp.org/tlog-checkpoint). */
import { decode, fitsEd25519, sha256 } from './crypto.ts';
import { refuse } from './json.ts';
import type { Head } from './merkle.ts';

const NOTE_BYTES_MAX = 1024 * 1024;
const SIGNATURES_MAX = 100;
const SIZES = 2n ** 64n;
const ED25519 = 1;

/** A size or place: decimal, no zeros before it, below 2^64. */
export function numberOf(text: string): bigint {
  const value = /^(0|[1-9][0-9]{0,19})$/.test(text) ? BigInt(text) : refuse('not a decimal number');
  return value < SIZES ? value : refuse('a number of more than 64 bits');
}

export function hashOf(text: string): Buffer {
  const bytes = decode(text, 'base64');
  return bytes.byteLength === 32 ? bytes : refuse('a hash of another length');
}

export const keyIdOf = (name: string, key: Uint8Array): Buffer => sha256(Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), key])).subarray(0, 4);

/** Names of keys and logs. */
export const isName = (text: string): boolean => /^[^\p{White_Space}\u0000-\u001f+]+$/u.test(text);

interface Signature {
  readonly name: string;
  readonly keyId: Buffer;
  readonly bytes: Buffer;
}

export interface Note {
  /** With its last newline: what is signed. */
  readonly text: string;
  readonly signatures: readonly Signature[];
}

function textOf(bytes: Uint8Array): string {
  if (bytes.byteLength > NOTE_BYTES_MAX) refuse('a note that is too long');
  const text = Buffer.from(bytes).toString();
  return Buffer.from(text).equals(bytes) ? text : refuse('not UTF-8');
}

function signatureOf(line: string): Signature {
  const [dash, name = '', encoded = '', ...more] = line.split(' ');
  if (dash !== '\u2014' || !isName(name) || more.length > 0) refuse('not a line with a signature');
  const bytes = decode(encoded, 'base64');
  if (bytes.byteLength < 5) refuse('a key id and no signature');
  return { name, keyId: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
}

/** @throws Refusal */
export function readNote(bytes: Uint8Array): Note {
  const note = textOf(bytes);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) refuse('control characters');
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) refuse('no text and signatures');
  const lines = note.slice(end + 2).split('\n').slice(0, -1);
  if (lines.length === 0 || lines.length > SIGNATURES_MAX) refuse('no signature, or too many');
  return { text: note.slice(0, end + 1), signatures: lines.map(signatureOf) };
}

export interface Checkpoint extends Head {
  readonly origin: string;
}

/** @param text of a note. Lines behind the third are somebody's extension. @throws Refusal */
export function checkpointOf(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...extension] = text.split('\n').slice(0, -1);
  if (origin === '' || extension.includes('')) refuse('an empty line');
  return { origin, size: numberOf(size), root: hashOf(root) };
}

/** @param keys that are known, all by the name `name`. @returns those that signed; never none. @throws Refusal when a signature of one of them does not fit, or stands twice */
export function signersOf<K extends { readonly bytes: Buffer }>({ text, signatures }: Note, name: string, keys: readonly K[]): K[] {
  const known = new Map(keys.map((key) => [keyIdOf(name, key.bytes).toString('hex'), key]));
  if (known.size < keys.length) refuse('two keys of one key id');
  const signers: K[] = [];
  for (const signature of signatures) {
    const key = signature.name === name ? known.get(signature.keyId.toString('hex')) : undefined;
    if (key === undefined) continue;
    if (signers.includes(key)) refuse('a key signed twice');
    if (!fitsEd25519(key.bytes, Buffer.from(text), signature.bytes)) refuse('a signature does not fit');
    signers.push(key);
  }
  return signers.length > 0 ? signers : refuse('no key of the log signed');
}

/**
 * Digests, encodings and signatures as the evidence format demands them, over Node's crypto and a little arithmetic of our own: which points
 * are canonical and not of small order is decided here, by adding them up, not by a list.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { refuse } from './json.ts';

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
export const digest = (bytes: Uint8Array): string => `sha256:${sha256(bytes).toString('hex')}`;
export const isDigest = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);

/** @throws Refusal for another spelling than the one */
export function decode(text: string, alphabet: 'base64' | 'base64url'): Buffer {
  const bytes = Buffer.from(text, alphabet);
  return bytes.toString(alphabet) === text ? bytes : refuse(`not ${alphabet}`);
}

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * power(121666n, P - 2n, P), P);
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n, P);

function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = mod(base, modulus);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`);
}

/** RFC 8032 §5.1.3, canonical encodings only. @returns undefined when the bytes name no point */
function pointOf(bytes: Uint8Array): { x: bigint; y: bigint } | undefined {
  if (bytes.byteLength !== 32) return undefined;
  const encoded = littleEndian(bytes);
  const sign = encoded >> 255n;
  const y = encoded & (2n ** 255n - 1n);
  if (y >= P) return undefined;
  const u = mod(y * y - 1n, P);
  const v = mod(D * y * y + 1n, P);
  let x = mod(u * power(v, 3n, P) * power(u * power(v, 7n, P), (P - 5n) / 8n, P), P);
  if (mod(v * x * x, P) === mod(-u, P)) x = mod(x * ROOT_OF_MINUS_ONE, P);
  if (mod(v * x * x - u, P) !== 0n) return undefined;
  if (x === 0n && sign === 1n) return undefined;
  return { x: (x & 1n) === sign ? x : P - x, y };
}

/** A point times eight is the neutral one: its order divides eight. */
function isSmallOrder(point: { x: bigint; y: bigint }): boolean {
  let [x, y, z] = [point.x, point.y, 1n];
  for (let i = 0; i < 3; i += 1) {
    // Doubling of a twisted Edwards curve with a = -1, projective.
    const b = mod((x + y) * (x + y), P);
    const [c, d] = [mod(x * x, P), mod(y * y, P)];
    const f = mod(d - c, P);
    const j = mod(f - 2n * z * z, P);
    [x, y, z] = [mod((b - c - d) * j, P), mod(f * mod(-c - d, P), P), mod(f * j, P)];
  }
  return x === 0n && y === z;
}

const goodPoints = new Map<string, boolean>();
const REMEMBERED_MAX = 10_000;

/** On the curve, spelled canonically, not of small order. Remembered: the campaigns ask for the same few points again and again. */
export function isGoodPoint(bytes: Uint8Array): boolean {
  const name = Buffer.from(bytes).toString('hex');
  const known = goodPoints.get(name);
  if (known !== undefined) return known;
  const point = pointOf(bytes);
  const good = point !== undefined && !isSmallOrder(point);
  if (goodPoints.size < REMEMBERED_MAX) goodPoints.set(name, good);
  return good;
}

const keys = new Map<string, KeyObject | undefined>();

function ed25519Key(raw: Uint8Array): KeyObject | undefined {
  const name = Buffer.from(raw).toString('hex');
  if (!keys.has(name)) keys.set(name, isGoodPoint(raw) ? createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' }) : undefined);
  return keys.get(name);
}

export function fitsEd25519(raw: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.byteLength !== 64) return false;
  const key = ed25519Key(raw);
  return key !== undefined && littleEndian(signature.subarray(32)) < L && isGoodPoint(signature.subarray(0, 32)) && verify(null, message, key, signature);
}

const P256_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const P256_P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const P256_B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
const P256_N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** A SubjectPublicKeyInfo of P-256, uncompressed, whose point is on the curve. */
export function isP256Key(spki: Uint8Array): boolean {
  const bytes = Buffer.from(spki);
  if (bytes.byteLength !== 91 || !bytes.subarray(0, 27).equals(P256_PREFIX)) return false;
  const [x, y] = [BigInt(`0x${bytes.toString('hex', 27, 59)}`), BigInt(`0x${bytes.toString('hex', 59)}`)];
  return x < P256_P && y < P256_P && mod(y * y - x * x * x + 3n * x - P256_B, P256_P) === 0n;
}

/** One DER INTEGER above zero, in its shortest form. */
function derInteger(der: Buffer, at: number): { value: bigint; end: number } | undefined {
  const length = der[at + 1] ?? 0;
  const body = der.subarray(at + 2, at + 2 + length);
  if (der[at] !== 2 || length === 0 || length > 33 || body.byteLength !== length) return undefined;
  const [first = 0, second = 0] = body;
  if (first > 127 || (first === 0 && (length === 1 || second < 128))) return undefined;
  return { value: BigInt(`0x${body.toString('hex')}`), end: at + 2 + length };
}

/** ECDSA with SHA-256; DER with the smaller s, and nothing else. */
export function fitsP256(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const der = Buffer.from(signature);
  if (der[0] !== 0x30 || der[1] !== der.byteLength - 2 || der.byteLength > 72) return false;
  const r = derInteger(der, 2);
  const s = r === undefined ? undefined : derInteger(der, r.end);
  if (r === undefined || s === undefined || s.end !== der.byteLength) return false;
  if (r.value >= P256_N || s.value > P256_N / 2n) return false;
  return verify('sha256', message, createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), der);
}

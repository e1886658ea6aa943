/** What can be said of the 32-byte encoding of an Ed25519 point without a signature (RFC 8032 §5.1.2, §5.1.3). Pure. */
import { type Bytes, toHex } from './bytes.ts';

const P = 2n ** 255n - 19n;
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

/** The seven y encodings of small-order points, sign bit cleared (reference/02 §5.2). */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** Does this 32-byte encoding name a point of small order? */
export function isSmallOrderPoint(encoded: Bytes): boolean {
  const y = Uint8Array.from(encoded);
  y[31] = (y[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(toHex(y));
}

/** Is y below the field prime? Every point then has one encoding, but for x = 0 with the sign bit set, which has small order. */
export function isCanonicalPoint(encoded: Bytes): boolean {
  if (((encoded[31] ?? 0) & 0x7f) !== 0x7f) return true;
  for (let i = 30; i > 0; i -= 1) if (encoded[i] !== 0xff) return true;
  return (encoded[0] ?? 0) < 0xed;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = base % P;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

/** Is there a point with this y, read modulo the prime? The reference's only check when it loads a key; costs about half a millisecond. */
export function isPointOnCurve(encoded: Bytes): boolean {
  if (encoded.byteLength !== 32) return false;
  const y = Uint8Array.from(encoded).reverse();
  y[0] = (y[0] ?? 0) & 0x7f;
  const ySquared = (BigInt(`0x${toHex(y)}`) ** 2n) % P;
  const u = (ySquared - 1n + P) % P;
  const v = (D * ySquared + 1n) % P;
  const product = (u * v) % P; // u/v is a square exactly when u·v is (Euler's criterion)
  return product === 0n || power(product, (P - 1n) / 2n) === 1n;
}

/** Is this the one encoding of a point that is not of small order? What a key has to be to be admitted; costs what {@link isPointOnCurve} costs. */
export function isAdmissiblePoint(encoded: Bytes): boolean {
  return encoded.byteLength === 32 && !isSmallOrderPoint(encoded) && isCanonicalPoint(encoded) && isPointOnCurve(encoded);
}

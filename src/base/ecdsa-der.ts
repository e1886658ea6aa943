/**
 * ECDSA P-256 signatures in the one form accepted here: DER (RFC 3279 §2.2.3) of r and the smaller of s and n − s.
 *
 *   Z1  a signature has exactly one spelling: shortest lengths, shortest integers, low s, nothing after it.
 */
import { type Bytes, toHex } from './bytes.ts';

const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const bigOf = (bytes: Bytes): bigint => BigInt(`0x${toHex(bytes)}`);

function fixed32(value: bigint): Bytes {
  const out = new Uint8Array(32);
  let rest = value;
  for (let i = 31; i >= 0; i -= 1) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}

/** @param rs r ‖ s, 64 bytes. @returns the same with s replaced by n − s where that is smaller */
export function withLowS(rs: Bytes): Bytes {
  const s = bigOf(rs.subarray(32));
  if (s <= N / 2n) return rs;
  const out = Uint8Array.from(rs);
  out.set(fixed32(N - s), 32);
  return out;
}

/** @param rs r ‖ s, 64 bytes. @returns DER, 8..72 bytes */
export function encodeDerSignature(rs: Bytes): Bytes {
  const integer = (bytes: Bytes): number[] => {
    let from = 0;
    while (from < 31 && bytes[from] === 0) from += 1;
    const body = [...bytes.subarray(from)];
    if ((body[0] ?? 0) >= 0x80) body.unshift(0);
    return [0x02, body.length, ...body];
  };
  const content = [...integer(rs.subarray(0, 32)), ...integer(rs.subarray(32))];
  return Uint8Array.from([0x30, content.length, ...content]);
}

/**
 * @param options.lowS false: take s above n/2 too, as signers elsewhere write it; default true
 * @returns r ‖ s, 64 bytes; undefined unless it is the one form [Z1] with 0 < r < n and 0 < s <= n/2, or s < n
 */
export function decodeDerSignature(der: Bytes, options: { readonly lowS?: boolean } = {}): Bytes | undefined {
  if (der.byteLength < 8 || der.byteLength > 72 || der[0] !== 0x30 || der[1] !== der.byteLength - 2) return undefined;
  const rs = new Uint8Array(64);
  let at = 2;
  for (const offset of [0, 32]) {
    const length = der[at + 1] ?? 0;
    if (der[at] !== 0x02 || length < 1 || length > 33 || at + 2 + length > der.byteLength) return undefined;
    const body = der.subarray(at + 2, at + 2 + length);
    const first = body[0] ?? 0;
    if (first >= 0x80 || (length > 1 && first === 0 && (body[1] ?? 0) < 0x80)) return undefined;
    if (length === 33 && first !== 0) return undefined;
    const plain = length === 33 ? body.subarray(1) : body;
    rs.set(plain, offset + 32 - plain.byteLength);
    at += 2 + length;
  }
  if (at !== der.byteLength) return undefined;
  const [r, s] = [bigOf(rs.subarray(0, 32)), bigOf(rs.subarray(32))];
  return r > 0n && r < N && s > 0n && s <= (options.lowS === false ? N - 1n : N / 2n) ? rs : undefined;
}

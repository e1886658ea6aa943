/** Branded identifiers, and the pure parts of making them. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

export type RunId = Brand<string, 'RunId'>;
export type CellId = Brand<string, 'CellId'>;
export type SpecId = Brand<string, 'SpecId'>;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = Brand<number, 'EpochMs'>;

/** reference/01 §3.1: first character alphanumeric, then alphanumeric `.` `_` `-`; 1..128 bytes; no `..`. */
export function isPortableIdentifier(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(text) && !text.includes('..');
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** ULID (26 characters) of a time in ms and ten random bytes. */
export function ulid(timeMs: number, random: Uint8Array): string {
  let value = BigInt(timeMs);
  for (const byte of random.subarray(0, 10)) value = (value << 8n) | BigInt(byte);
  let out = '';
  for (let i = 0; i < 26; i += 1) {
    out = CROCKFORD.charAt(Number(value & 31n)) + out;
    value >>= 5n;
  }
  return out;
}

/** When a ULID says it was made, ms; upper or lower case. @returns undefined when the text is none */
export function ulidTimeMs(text: string): number | undefined {
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/i.test(text)) return undefined;
  return [...text.slice(0, 10).toUpperCase()].reduce((time, char) => time * 32 + CROCKFORD.indexOf(char), 0);
}

/** UUID version 4 of 16 random bytes, lowercase with hyphens (RFC 9562 §5.4). */
export function uuidV4(random: Uint8Array): string {
  const bytes = Uint8Array.from(random.subarray(0, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Bytes and their textual forms. Pure; the only place that names `Buffer`. */

const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lossyDecoder = new TextDecoder('utf-8');

export type Bytes = Uint8Array;

/** A buffer as plain bytes, not copied. Small ones share one memory block: nothing here may look at `.buffer` alone. */
function plain(buffer: Buffer): Bytes {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

export function utf8(text: string): Bytes {
  return plain(Buffer.from(text, 'utf8')); // a third of the time of TextEncoder
}

/** Number of UTF-8 bytes of a well-formed string. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** @returns undefined when the bytes are not valid UTF-8; a byte-order mark is kept as U+FEFF. */
export function tryDecodeUtf8(bytes: Bytes): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** For text that is only shown or compared: what is not valid UTF-8 becomes U+FFFD. */
export function decodeUtf8Lossy(bytes: Bytes): string {
  return lossyDecoder.decode(bytes);
}

export function toHex(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** @returns undefined unless `text` is an even number of lowercase hex digits. */
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** Base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** Standard base64 with padding (RFC 4648 §4). */
export function toBase64(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Strict: exact alphabet, no padding, no loose trailing bits. @returns undefined when not canonical. */
export function fromBase64Url(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? new Uint8Array(bytes) : undefined;
}

/** Strict standard base64 with padding. @returns undefined when not canonical. */
export function fromBase64(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined;
}

export function concatBytes(parts: readonly Bytes[]): Bytes {
  return plain(Buffer.concat(parts));
}

export function equalBytes(a: Bytes, b: Bytes): boolean {
  return Buffer.compare(a, b) === 0;
}

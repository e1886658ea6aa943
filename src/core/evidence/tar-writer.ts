/**
 * Entries of a ustar archive (POSIX.1-1988), in the one spelling that `indexTar` reads. Pure. Times, owners and modes are always the same: an archive is
 * its files, and the same files make the same bytes.
 */
import { type Bytes, utf8 } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';

const BLOCK = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
/** What a size field of eleven octal digits holds. */
const SIZE_MAX = 8 ** 11 - 1;

/** Two blocks of zeros. */
export const TAR_END: Bytes = new Uint8Array(2 * BLOCK);

/** Zeros after the content, up to a whole block. */
export function tarPadding(size: number): Bytes {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** A long path is divided at a slash, as ustar has it. */
function placeOf(path: string): { name: string; prefix: string } | undefined {
  if (utf8(path).byteLength <= NAME_BYTES) return { name: path, prefix: '' };
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (name !== '' && utf8(name).byteLength <= NAME_BYTES && utf8(prefix).byteLength <= PREFIX_BYTES) return { name, prefix };
  }
  return undefined;
}

/** The 512 bytes before the content of a plain file. @throws CellError `evidence.invalid` for a path or a size that no such archive has */
export function tarHeader(path: string, size: number): Bytes {
  const place = placeOf(path);
  if (place === undefined || size > SIZE_MAX) throw new CellError('evidence.invalid', `Cannot put ${path} into an archive: its ${place === undefined ? 'name is too long' : 'content is longer than 8 GiB'}`, { facts: { path } });
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => header.set(utf8(text), at);
  const octal = (at: number, digits: number, value: number): void => put(at, `${value.toString(8).padStart(digits, '0')}\0`);
  put(0, place.name);
  octal(100, 7, 0o644);
  for (const at of [108, 116]) octal(at, 7, 0);
  octal(124, 11, size);
  octal(136, 11, 0);
  put(148, ' '.repeat(8));
  put(156, '0');
  put(257, 'ustar\x0000');
  for (const at of [329, 337]) octal(at, 7, 0);
  put(345, place.prefix);
  put(148, `${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `);
  return header;
}

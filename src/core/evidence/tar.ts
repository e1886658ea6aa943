/**
 * Reads a ustar archive (POSIX.1-1988 or the GNU form without extensions) without unpacking it. Pure: bytes in, an index out.
 *
 *   A1  what is not content has one spelling: checksums as `NNNNNN\0 `, zero padding, two zero blocks at the end and nothing after them but
 *       zeros. So a changed byte either is content, and some digest tells, or is refused here. Times, owners and modes of the entries are
 *       covered by the checksum of their header and say nothing about the bundle: an archive made again from the same files verifies the same;
 *   A2  plain files and folders only, each path once, none leaves the archive.
 */
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { BUNDLE } from './bundle.ts';

/** Random access to the bytes of an archive. */
export interface ByteRange {
  readonly size: number;
  /** @returns at most `size` bytes from `offset`; fewer only at the end */
  read(offset: number, size: number): Bytes;
}

export interface TarEntry {
  readonly path: string;
  /** Where its content begins, bytes. */
  readonly offset: number;
  readonly size: number;
}

const BLOCK = 512;
const SCAN_BYTES = 64 * 1024;

function bad(what: string): never {
  throw new CellError('evidence.invalid', `Cannot read the archive: ${what}`);
}

function latin1(bytes: Bytes): string {
  let out = '';
  for (const byte of bytes) out += String.fromCharCode(byte);
  return out;
}

/** A text field: up to its first NUL, after which only NULs stand [A1]. */
function field(header: Bytes, at: number, size: number): string {
  const raw = latin1(header.subarray(at, at + size));
  const end = raw.indexOf('\0');
  if (end < 0) return raw;
  if (!/^\0*$/.test(raw.slice(end))) bad('bytes stand after the end of a text in a header');
  return raw.slice(0, end);
}

function octal(header: Bytes, at: number, size: number): number {
  const text = /^([0-7]+)[ \0]$/.exec(latin1(header.subarray(at, at + size)))?.[1];
  if (text === undefined) bad('a number in a header is malformed');
  return Number.parseInt(text, 8);
}

function isZero(bytes: Bytes): boolean {
  return bytes.every((byte) => byte === 0);
}

function requireZeros(archive: ByteRange, from: number, to: number, what: string): void {
  for (let at = from; at < to; at += SCAN_BYTES) if (!isZero(archive.read(at, Math.min(SCAN_BYTES, to - at)))) bad(what);
}

interface Header {
  readonly path: string;
  readonly folder: boolean;
  readonly size: number;
}

function readHeader(header: Bytes): Header {
  let sum = 0;
  for (let i = 0; i < BLOCK; i += 1) sum += i >= 148 && i < 156 ? 32 : (header[i] ?? 0);
  if (latin1(header.subarray(148, 156)) !== `${sum.toString(8).padStart(6, '0')}\0 `) bad('the checksum of a header is wrong');
  const magic = latin1(header.subarray(257, 265));
  if (magic !== 'ustar\x0000' && magic !== 'ustar  \0') bad('it is not a ustar archive; make it with tar --format=ustar');
  const prefix = magic === 'ustar\x0000' ? field(header, 345, 155) : '';
  if (!isZero(header.subarray(magic === 'ustar\x0000' ? 500 : 345))) bad('bytes stand in the unused part of a header');
  const path = `${prefix === '' ? '' : `${prefix}/`}${field(header, 0, 100)}`.replace(/^(?:\.\/)+/, '');
  const type = String.fromCharCode(header[156] ?? 0);
  const folder = type === '5';
  if (!folder && type !== '0') bad(`${path} is not a plain file (type ${JSON.stringify(type)}); make the archive with tar --format=ustar`);
  if (field(header, 157, 100) !== '') bad(`${path} names a link`);
  if (path.startsWith('/') || path.split('/').includes('..') || (path === '' && !folder)) bad(`the path ${JSON.stringify(path)} leaves it`);
  const size = octal(header, 124, 12);
  if (folder && size !== 0) bad(`the folder ${path} has content`);
  return { path, folder, size };
}

function readEntries(archive: ByteRange): { files: TarEntry[]; folders: string[] } {
  const files: TarEntry[] = [];
  const folders: string[] = [];
  if (archive.size % BLOCK !== 0) bad('it does not end on a block of 512 bytes');
  for (let at = 0; ; ) {
    if (at + BLOCK > archive.size) bad('its end is missing');
    const header = archive.read(at, BLOCK);
    if (isZero(header)) {
      if (at + 2 * BLOCK > archive.size) bad('its end is missing');
      requireZeros(archive, at, archive.size, 'bytes stand after its end');
      return { files, folders };
    }
    const { path, folder, size } = readHeader(header);
    const offset = at + BLOCK;
    const end = offset + Math.ceil(size / BLOCK) * BLOCK;
    if (end > archive.size) bad(`it ends inside ${path}`);
    requireZeros(archive, offset + size, end, `bytes stand after the end of ${path}`);
    if (folder) folders.push(path.replace(/\/$/, ''));
    else files.push({ path, offset, size });
    if (files.length + folders.length > LIMITS.bundleFilesMax) bad(`it has more than ${LIMITS.bundleFilesMax} entries`);
    at = end;
  }
}

/** path → entry. A single leading folder that holds everything is taken off. @throws CellError `evidence.invalid` */
export function indexTar(archive: ByteRange): Map<string, TarEntry> {
  const { files, folders } = readEntries(archive);
  const top = files[0]?.path.split('/')[0] ?? '';
  const artifacts = BUNDLE.artifacts.slice(0, -1);
  const strip = files.length > 0 && top !== artifacts && files.every((entry) => entry.path.startsWith(`${top}/`)) ? `${top}/` : '';
  const index = new Map<string, TarEntry>();
  for (const entry of files) {
    const path = entry.path.slice(strip.length);
    if (index.has(path)) bad(`${path} stands twice`);
    index.set(path, { ...entry, path });
  }
  for (const folder of folders) {
    const known = folder === '' || `${folder}/` === strip || folder === `${strip}${artifacts}`;
    if (!known) bad(`${folder} is a folder that no bundle has`);
  }
  return index;
}

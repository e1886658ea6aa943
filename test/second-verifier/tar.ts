/** Reads a bundle archive as section 1 defines it: one spelling for everything that is not the content of a file. */
import { Refusal, refuse } from './json.ts';
import type { Files } from './verify.ts';

const BLOCK = 512;
const OCTAL = /^[0-7]+$/;

interface Entry {
  readonly path: string;
  readonly isFolder: boolean;
  readonly size: number;
}

/** A text, then zeros to the end of its field. */
function textIn(header: Buffer, at: number, size: number): string {
  const field = header.subarray(at, at + size);
  const end = field.indexOf(0) < 0 ? size : field.indexOf(0);
  if (field.subarray(end).some((byte) => byte !== 0)) refuse('something stands in an unused part');
  const text = field.subarray(0, end).toString();
  return Buffer.from(text).equals(field.subarray(0, end)) ? text : refuse('a name is no text');
}

/** Octal digits to the last byte of the field but one, then NUL or a space. */
function sizeIn(header: Buffer): number {
  const text = header.toString('latin1', 124, 135);
  if (!OCTAL.test(text) || (header[135] !== 0 && header[135] !== 32)) refuse('a size is spelled otherwise');
  return Number.parseInt(text, 8);
}

function checkSum(header: Buffer): void {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (header.toString('latin1', 148, 156) !== `${sum.toString(8).padStart(6, '0')}\0 `) refuse('another checksum');
}

function entryOf(header: Buffer): Entry {
  checkSum(header);
  const magic = header.toString('latin1', 257, 265);
  const isGnu = magic === 'ustar  \0';
  if (!isGnu && magic !== 'ustar\x0000') refuse('neither ustar nor GNU');
  if (header.subarray(157, 257).some((byte) => byte !== 0) || header.subarray(500).some((byte) => byte !== 0)) refuse('something stands in an unused part');
  const prefix = isGnu ? (header.subarray(345, 500).some((byte) => byte !== 0) ? refuse('an extension of GNU') : '') : textIn(header, 345, 155);
  const name = textIn(header, 0, 100);
  const type = header.toString('latin1', 156, 157);
  if (type !== '0' && type !== '5') refuse('neither a file nor a folder');
  const size = sizeIn(header);
  if (type === '5' && size !== 0) refuse('a folder with bytes');
  return { path: prefix === '' ? name : `${prefix}/${name}`, isFolder: type === '5', size };
}

/** @returns path → bytes; folders with a slash at their end */
function entriesOf(archive: Buffer): Map<string, Buffer> {
  const entries = new Map<string, Buffer>();
  let at = 0;
  for (;;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.byteLength < BLOCK) refuse('the archive has no end');
    if (header.every((byte) => byte === 0)) break;
    const { path, isFolder, size } = entryOf(header);
    const body = archive.subarray(at + BLOCK, at + BLOCK + size);
    const padded = Math.ceil(size / BLOCK) * BLOCK;
    const padding = archive.subarray(at + BLOCK + size, at + BLOCK + padded);
    if (body.byteLength + padding.byteLength < padded || padding.some((byte) => byte !== 0)) refuse('a file has not its padding');
    const name = cleaned(path, isFolder);
    if (entries.has(name) && !isFolder) refuse('a path stands twice');
    entries.set(name, body);
    at += BLOCK + padded;
  }
  const rest = archive.subarray(at);
  if (rest.byteLength < 2 * BLOCK || rest.byteLength % BLOCK !== 0 || rest.some((byte) => byte !== 0)) refuse('the archive has another end');
  return entries;
}

/** Without `./` in front; a folder keeps the slash at its end, and the folder of the archive itself is nothing but that. */
function cleaned(path: string, isFolder: boolean): string {
  const plain = path.replace(/^(\.\/)+/, '');
  if (plain.startsWith('/') || plain.split('/').includes('..') || (!isFolder && plain.endsWith('/'))) refuse('a path leaves its place');
  return isFolder ? plain.replace(/\/?$/, '/') : plain;
}

/** @returns undefined when the archive is none, or not spelled as it has to be */
export function readArchive(archive: Uint8Array): Files | undefined {
  try {
    return filesOf(entriesOf(Buffer.from(archive)));
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function filesOf(entries: ReadonlyMap<string, Buffer>): Files {
  const paths = [...entries.keys()].filter((path) => !path.endsWith('/'));
  const [top] = paths[0]?.split('/') ?? [];
  const leading = top !== undefined && top !== 'artifacts' && paths.every((path) => path.startsWith(`${top}/`)) ? `${top}/` : '';
  const folders = ['/', leading, `${leading}artifacts/`];
  if ([...entries.keys()].some((path) => path.endsWith('/') && !folders.includes(path))) refuse('a folder more');
  return new Map(paths.map((path) => [path.slice(leading.length), entries.get(path) ?? Buffer.alloc(0)]));
}

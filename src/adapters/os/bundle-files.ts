/** A bundle as a folder, or as a ustar archive of one. Reads plain files only: a link in a bundle is refused, not followed. */
import { createReadStream, lstatSync, openSync, readdirSync, readSync, closeSync, fstatSync } from 'node:fs';
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import type { BundleSource } from '../../core/evidence/audit.ts';

const FILES_MAX = 8192;

function* walk(root: string, inner: string): Generator<string> {
  for (const entry of readdirSync(`${root}/${inner}`, { withFileTypes: true })) {
    const path = inner === '' ? entry.name : `${inner}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else if (entry.isFile()) yield path;
    else throw new CellError('evidence.invalid', `Cannot read the bundle: ${path} is neither a file nor a folder`, { facts: { path } });
  }
}

export function folderBundle(root: string): BundleSource {
  return {
    async list() {
      const files = [...walk(root, '')];
      if (files.length > FILES_MAX) throw new CellError('evidence.invalid', `Cannot read the bundle: it has more than ${FILES_MAX} files`);
      return files;
    },
    open: (path) => fileBytes(`${root}/${path}`),
  };
}

export async function* fileBytes(path: string): AsyncGenerator<Bytes> {
  yield* createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
}

const BLOCK = 512;

function field(header: Buffer, at: number, size: number): string {
  const raw = header.toString('latin1', at, at + size);
  const end = raw.indexOf('\0');
  return end < 0 ? raw : raw.slice(0, end);
}

function octal(header: Buffer, at: number, size: number): number {
  const text = field(header, at, size).trim();
  if (!/^[0-7]+$/.test(text)) throw new CellError('evidence.invalid', 'Cannot read the archive: a number in a header is malformed');
  return Number.parseInt(text, 8);
}

interface TarEntry {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

function readEntry(header: Buffer, offset: number): TarEntry | undefined {
  let sum = 0;
  for (let i = 0; i < BLOCK; i += 1) sum += i >= 148 && i < 156 ? 32 : (header[i] ?? 0);
  if (octal(header, 148, 8) !== sum) throw new CellError('evidence.invalid', 'Cannot read the archive: the checksum of a header is wrong');
  const prefix = field(header, 345, 155);
  const path = `${prefix === '' ? '' : `${prefix}/`}${field(header, 0, 100)}`.replace(/^(?:\.\/)+/, '');
  const type = header.toString('latin1', 156, 157);
  if (type === '5') return undefined;
  if (type !== '0' && type !== '\0') throw new CellError('evidence.invalid', `Cannot read the archive: ${path} is not a plain file`, { facts: { path } });
  if (path === '' || path.startsWith('/') || path.split('/').includes('..')) throw new CellError('evidence.invalid', `Cannot read the archive: the path ${path} leaves it`, { facts: { path } });
  return { path, offset: offset + BLOCK, size: octal(header, 124, 12) };
}

/** A tar of a bundle; a single leading folder that holds everything is taken off. */
export function tarBundle(file: string): BundleSource {
  const index = (): Map<string, TarEntry> => {
    const entries: TarEntry[] = [];
    const fd = openSync(file, 'r');
    try {
      const { size } = fstatSync(fd);
      const header = Buffer.alloc(BLOCK);
      for (let at = 0; at + BLOCK <= size; ) {
        readSync(fd, header, 0, BLOCK, at);
        if (header.every((byte) => byte === 0)) break;
        const entry = readEntry(header, at);
        if (entry !== undefined && entry.offset + entry.size > size) throw new CellError('evidence.invalid', `Cannot read the archive: it ends inside ${entry.path}`);
        if (entry !== undefined) entries.push(entry);
        if (entries.length > FILES_MAX) throw new CellError('evidence.invalid', `Cannot read the archive: it has more than ${FILES_MAX} files`);
        at += BLOCK + Math.ceil((entry?.size ?? octal(header, 124, 12)) / BLOCK) * BLOCK;
      }
    } finally {
      closeSync(fd);
    }
    const top = entries[0]?.path.split('/')[0] ?? '';
    const strip = entries.length > 0 && entries.every((entry) => entry.path.startsWith(`${top}/`)) && top !== 'artifacts' ? top.length + 1 : 0;
    const files = new Map<string, TarEntry>();
    for (const entry of entries) {
      const path = entry.path.slice(strip);
      if (files.has(path)) throw new CellError('evidence.invalid', `Cannot read the archive: ${path} stands twice`, { facts: { path } });
      files.set(path, entry);
    }
    return files;
  };
  let files: Map<string, TarEntry> | undefined;
  const indexed = (): Map<string, TarEntry> => {
    files ??= index();
    return files;
  };
  return {
    list: async () => [...indexed().keys()],
    async *open(path) {
      const entry = indexed().get(path);
      if (entry === undefined) throw new CellError('evidence.invalid', `Cannot read ${path}: the archive has no such file`, { facts: { path } });
      if (entry.size > 0) yield* createReadStream(file, { start: entry.offset, end: entry.offset + entry.size - 1 }) as AsyncIterable<Buffer>;
    },
  };
}

/** What a path given to `verify` is. */
export function bundleAt(path: string): { kind: 'bundle'; source: BundleSource } | { kind: 'jsonl'; chunks: AsyncIterable<Bytes> } {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new CellError('run.unknown', `Cannot find ${path}`, { facts: { path } });
  if (stat.isDirectory()) return { kind: 'bundle', source: folderBundle(path) };
  if (stat.isSymbolicLink()) return { kind: 'bundle', source: folderBundle(`${path}/.`) };
  return path.endsWith('.tar') ? { kind: 'bundle', source: tarBundle(path) } : { kind: 'jsonl', chunks: fileBytes(path) };
}

/** A bundle as a folder, or as a ustar archive of one. Reads plain files only: a link in a bundle is refused, not followed. */
import { closeSync, constants, createReadStream, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { BundleSource } from '../../core/evidence/audit.ts';
import type { TrailSource } from '../../core/evidence/audit-trail.ts';
import { BUNDLE, TRAIL_BEGINNING } from '../../core/evidence/bundle.ts';
import { indexTar, type TarEntry } from '../../core/evidence/tar.ts';

function* walk(root: string, inner: string): Generator<string> {
  const entries = readdirSync(`${root}/${inner}`, { withFileTypes: true });
  // A folder is a name too: an empty one that no bundle has is listed, so that the audit sees it.
  if (entries.length === 0 && inner !== '' && `${inner}/` !== BUNDLE.artifacts) yield `${inner}/`;
  for (const entry of entries) {
    const path = inner === '' ? entry.name : `${inner}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, path);
    else if (entry.isFile()) yield path;
    else throw new CellError('evidence.invalid', `Cannot read the bundle: ${path} is neither a file nor a folder`, { facts: { path } });
  }
}

export function folderBundle(root: string): BundleSource {
  return {
    async list() {
      const files: string[] = [];
      for (const path of walk(root, '')) {
        files.push(path);
        if (files.length > LIMITS.bundleFilesMax) throw new CellError('evidence.invalid', `Cannot read the bundle: it has more than ${LIMITS.bundleFilesMax} files`);
      }
      return files;
    },
    open: (path) => fileBytes(`${root}/${path}`),
  };
}

/** The last component of the path is not followed when it is a link. */
export async function* fileBytes(path: string): AsyncGenerator<Bytes> {
  // The typings know flags as text only; Node takes the number all the same.
  const flags = (constants.O_RDONLY | constants.O_NOFOLLOW) as unknown as string;
  yield* createReadStream(path, { flags, highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
}

function readIndex(file: string): Map<string, TarEntry> {
  const fd = openSync(file, 'r');
  try {
    return indexTar({
      size: fstatSync(fd).size,
      read(offset, size) {
        const bytes = new Uint8Array(size);
        return bytes.subarray(0, readSync(fd, bytes, 0, size, offset));
      },
    });
  } finally {
    closeSync(fd);
  }
}

export function tarBundle(file: string): BundleSource {
  let files: Map<string, TarEntry> | undefined;
  const index = (): Map<string, TarEntry> => {
    files ??= readIndex(file);
    return files;
  };
  return {
    list: async () => [...index().keys()],
    async *open(path) {
      const entry = index().get(path);
      if (entry === undefined) throw new CellError('evidence.invalid', `Cannot read ${path}: the archive has no such file`, { facts: { path } });
      if (entry.size > 0) yield* createReadStream(file, { start: entry.offset, end: entry.offset + entry.size - 1 }) as AsyncIterable<Buffer>;
    },
  };
}

export type Evidence =
  | { readonly kind: 'bundle'; readonly source: BundleSource }
  | { readonly kind: 'jsonl'; readonly chunks: AsyncIterable<Bytes> }
  | ({ readonly kind: 'trail' } & TrailSource);

/** What a path given to `verify` is. A link given there is followed: it is the caller's own. @throws CellError `run.unknown` */
export function bundleAt(path: string): Evidence {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new CellError('run.unknown', `Cannot find ${path}`, { facts: { path } });
  if (stat.isDirectory()) return existsSync(`${path}/${TRAIL}.jsonl`) && !existsSync(`${path}/${BUNDLE.records}`) ? trailAt(`${path}/${TRAIL}.jsonl`) : { kind: 'bundle', source: folderBundle(path) };
  const beginning = beginningOf(path, 512);
  // By name, or by the magic of its first header: a renamed archive is still one.
  if (path.endsWith('.tar') || beginning.slice(257, 262) === 'ustar') return { kind: 'bundle', source: tarBundle(path) };
  if (beginning.startsWith(TRAIL_BEGINNING)) return trailAt(path);
  return { kind: 'jsonl', chunks: createReadStream(path) as AsyncIterable<Buffer> };
}

const TRAIL = 'audit-trail';

function trailAt(path: string): Evidence {
  const beside = (name: string): Bytes | undefined => {
    const file = `${path.replace(/\.jsonl$/, '')}.${name}`;
    return existsSync(file) ? readSmall(file) : undefined;
  };
  return { kind: 'trail', rows: createReadStream(path) as AsyncIterable<Buffer>, head: beside('head'), seal: beside('sig') };
}

function readSmall(file: string): Bytes {
  const { size } = statSync(file);
  if (size > LIMITS.recordSizeBytesMax) throw new CellError('evidence.invalid', `Cannot read ${file}: it is larger than ${LIMITS.recordSizeBytesMax} bytes`);
  return readFileSync(file);
}

/** In Latin-1: one character a byte. */
function beginningOf(path: string, size: number): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(size);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, size, 0));
  } finally {
    closeSync(fd);
  }
}

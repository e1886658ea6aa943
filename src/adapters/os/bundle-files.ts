/** A bundle as a folder, or as a ustar archive of one. Reads plain files only: a link in a bundle is refused, not followed. */
import { closeSync, constants, createReadStream, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { BundleSource } from '../../core/evidence/audit.ts';
import { BUNDLE } from '../../core/evidence/bundle.ts';
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

/** What a path given to `verify` is. A link given there is followed: it is the caller's own. @throws CellError `run.unknown` */
export function bundleAt(path: string): { kind: 'bundle'; source: BundleSource } | { kind: 'jsonl'; chunks: AsyncIterable<Bytes> } {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new CellError('run.unknown', `Cannot find ${path}`, { facts: { path } });
  if (stat.isDirectory()) return { kind: 'bundle', source: folderBundle(path) };
  return isArchive(path) ? { kind: 'bundle', source: tarBundle(path) } : { kind: 'jsonl', chunks: createReadStream(path) as AsyncIterable<Buffer> };
}

/** By name, or by the magic of its first header: a renamed archive is still one. */
function isArchive(path: string): boolean {
  if (path.endsWith('.tar')) return true;
  const fd = openSync(path, 'r');
  try {
    const magic = Buffer.alloc(5);
    return readSync(fd, magic, 0, 5, 257) === 5 && magic.toString('latin1') === 'ustar';
  } finally {
    closeSync(fd);
  }
}

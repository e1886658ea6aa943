/** Trust files on disk: opened without following a link, bounded, replaced in one step. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { CellError, errnoOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { TrustFiles } from '../../ports/trust-files.ts';
import { writeFileAtomic } from './durable-file.ts';

/** The name alone: what goes wrong here ends up in events, which do not show the folders of a host. */
function unusable(path: string, why: string, cause?: unknown): CellError {
  return new CellError('config.invalid', `Cannot read ${path === '' ? 'a trust file without a name' : basename(path)}: ${why}`, { facts: { errno: errnoOf(cause) ?? '' }, ...(cause === undefined ? {} : { cause }) });
}

const WHY: Readonly<Record<string, string>> = { ENOENT: 'there is no such file', ELOOP: 'it is a symbolic link', EACCES: 'it may not be read', EISDIR: 'it is a folder' };

function read(path: string): Uint8Array {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw unusable(path, WHY[errnoOf(error) ?? ''] ?? `the system says ${errnoOf(error) ?? 'no'}`, error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw unusable(path, 'it is not a file');
    if (stat.size > LIMITS.documentSizeBytesMax) throw unusable(path, `it has more than ${LIMITS.documentSizeBytesMax} bytes`);
    return new Uint8Array(readFileSync(fd));
  } finally {
    closeSync(fd);
  }
}

export const trustFiles: TrustFiles = {
  read,
  readIfThere(path) {
    try {
      return read(path);
    } catch (error) {
      if (error instanceof CellError && error.facts['errno'] === 'ENOENT') return undefined;
      throw error;
    }
  },
  replace(path, bytes) {
    try {
      writeFileAtomic(path, bytes);
    } catch (error) {
      throw new CellError('config.invalid', `Cannot write ${basename(path)}: the system says ${errnoOf(error) ?? 'no'}`, { cause: error });
    }
  },
};

/** Files that are whole or not there. */
import { closeSync, existsSync, fdatasyncSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, type Stats, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at, bytes.byteLength - at);
}

export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

let temporaries = 0;

/** Pid of the process that was writing this temporary file of `writeFileAtomic`; undefined when it is none. */
export function temporaryOwner(name: string): number | undefined {
  const pid = /\.(\d+)\.\d+\.part$/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Writes beside the target, syncs, then renames (or links, when an existing file must win). `sync: 'content'`: the caller syncs the folder. @returns false when `exclusive` and it existed */
export function writeFileAtomic(path: string, bytes: Uint8Array, options: { mode?: number; exclusive?: boolean; sync?: boolean | 'content' } = {}): boolean {
  temporaries += 1;
  const temporary = `${path}.${process.pid}.${temporaries}.part`;
  const fd = openSync(temporary, 'wx', options.mode ?? 0o600);
  try {
    try {
      writeWhole(fd, bytes);
      if (options.sync !== false) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (options.exclusive) linkSync(temporary, path);
    else renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (options.exclusive && errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
  if (options.exclusive) rmSync(temporary, { force: true });
  if (options.sync === undefined || options.sync === true) syncFolder(dirname(path));
  return true;
}

/**
 * An append-only file. After the first failed write or sync it is poisoned: what the disk holds is no longer known, so nothing is tried again.
 */
export class AppendFile {
  readonly #path: string;
  readonly #fd: number;
  #poison: CellError | undefined;
  #open = true;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'ax', 0o600);
  }

  #run(what: string, action: () => void): void {
    if (this.#poison !== undefined) throw this.#poison;
    try {
      action();
    } catch (error) {
      this.#poison = new CellError('evidence.unwritable', `Cannot ${what} the evidence in ${this.#path}: ${messageOf(error)}`, { cause: error });
      throw this.#poison;
    }
  }

  /** @throws CellError `evidence.unwritable` */
  append(bytes: Uint8Array): void {
    this.#run('write', () => writeWhole(this.#fd, bytes));
  }

  /** Makes everything appended durable. @throws CellError `evidence.unwritable` */
  sync(): void {
    this.#run('sync', () => fdatasyncSync(this.#fd));
  }

  close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}

function madeFolder(path: string): Stats {
  try {
    if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 });
    return statSync(path);
  } catch (error) {
    throw new CellError('state.unusable', `Cannot use ${path}: it cannot be made (${errnoOf(error) ?? messageOf(error)}); choose another with CELLOS_STATE_DIR`, { cause: error, facts: { path } });
  }
}

/** A folder only this user can look into. Made if absent. @throws CellError `state.unusable` */
export function privateFolder(path: string): void {
  const stat = madeFolder(path);
  if (!stat.isDirectory()) throw new CellError('state.unusable', `Cannot use ${path}: it is not a folder`);
  if (stat.uid !== process.geteuid?.()) throw new CellError('state.unusable', `Cannot use ${path}: it belongs to user ${stat.uid}; choose another with CELLOS_STATE_DIR`, { facts: { path, owner: stat.uid } });
  if ((stat.mode & 0o077) !== 0) throw new CellError('state.unusable', `Cannot use ${path}: others can reach it (mode ${(stat.mode & 0o777).toString(8)}); chmod 700 it`, { facts: { path } });
}

/**
 * The journal's folder on a real disk: 0700, files 0600, nowhere that others can put files.
 *
 * Writes go to the page cache and return; syncs run beside the event loop, so a slow disk stops nobody but those who wait for it.
 */
import { closeSync, constants, existsSync, fdatasync, fstatSync, fsync, ftruncateSync, linkSync, mkdirSync, openSync, readdirSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CellError, errnoOf } from '../../base/errors.ts';
import { privateFolder } from '../os/durable-file.ts';
import type { DiskFile, JournalDisk } from './journal-disk.ts';

type Sync = (fd: number, done: (error: Error | null) => void) => void;

function settled(sync: Sync, fd: number): Promise<void> {
  return new Promise((resolve, reject) => sync(fd, (error) => (error ? reject(error) : resolve())));
}

function diskFile(fd: number): DiskFile {
  return {
    size: () => fstatSync(fd).size,
    read(into, at) {
      let done = 0;
      while (done < into.byteLength) {
        const got = readSync(fd, into, done, into.byteLength - done, at + done);
        if (got === 0) break;
        done += got;
      }
      return done;
    },
    write: (bytes, at) => writeSync(fd, bytes, 0, bytes.byteLength, at),
    truncate: (size) => ftruncateSync(fd, size),
    sync: () => settled(fdatasync, fd),
    close: () => closeSync(fd),
  };
}

/** Whoever may write to a folder above can put another one in the place of ours; in a sticky one (`/tmp`) only not directly. */
function refuseSharedPlaces(path: string): void {
  for (let below = path, at = dirname(path); ; below = at, at = dirname(at)) {
    const { mode } = statSync(at);
    const [open, sticky] = [(mode & 0o002) !== 0, (mode & 0o1000) !== 0];
    if (open && (!sticky || below === path)) throw new CellError('state.unusable', `Cannot keep a journal in ${path}: everybody may write to ${at}; choose a place of your own`, { facts: { path, shared: at } });
    if (at === dirname(at)) return;
  }
}

/** Makes the folder if it is absent. @throws CellError `state.unusable` when others can reach it, or put another in its place */
export function openFolderDisk(folder: string): JournalDisk {
  const path = resolve(folder);
  const made = existsSync(path) ? undefined : mkdirSync(path, { recursive: true, mode: 0o700 });
  refuseSharedPlaces(path);
  privateFolder(path);
  const at = (name: string): string => `${path}/${name}`;
  const syncPath = async (place: string): Promise<void> => {
    const fd = openSync(place, 'r');
    try {
      await settled(fsync, fd);
    } finally {
      closeSync(fd);
    }
  };
  let parentSynced = made === undefined;
  return {
    path,
    list: () => readdirSync(path),
    exists: (name) => statSync(at(name), { throwIfNoEntry: false }) !== undefined,
    open: (name, mode) => diskFile(openSync(at(name), (mode === 'read' ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NOFOLLOW)),
    create: (name) => {
      rmSync(at(name), { force: true });
      return diskFile(openSync(at(name), 'wx+', 0o600));
    },
    rename: (from, to) => renameSync(at(from), at(to)),
    link(from, to) {
      try {
        linkSync(at(from), at(to));
        return true;
      } catch (error) {
        if (errnoOf(error) === 'EEXIST') return false;
        throw error;
      }
    },
    remove: (name) => rmSync(at(name), { force: true }),
    async syncFolder() {
      await syncPath(path);
      if (parentSynced) return;
      await syncPath(dirname(path));
      parentSynced = true;
    },
  };
}

/** What a host log asks of a folder: whole files, made, replaced and removed in one step each. Names are relative paths. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import type { Bytes } from '../../base/bytes.ts';
import { CellError, errnoOf, ignore, messageOf } from '../../base/errors.ts';
import { privateFolder, syncFolder, writeFileAtomic } from '../os/durable-file.ts';

export interface LogFiles {
  /** For messages and locks. */
  readonly path: string;
  /** @returns undefined when there is no such file. @throws CellError `evidence.invalid` for one that cannot be read */
  read(name: string): Bytes | undefined;
  /** What stands in a folder, sorted; nothing when there is none. */
  list(folder: string): readonly string[];
  /** Makes or replaces a file, durable when it returns. @throws CellError `evidence.unwritable` */
  write(name: string, bytes: Bytes): void;
  /** The same for a file that nothing depends on: after a power cut it may be the one before, or unreadable. */
  writeCopy(name: string, bytes: Bytes): void;
  /** Makes a file, durable when it returns. @returns false when it is there already. @throws CellError `evidence.unwritable` */
  create(name: string, bytes: Bytes): boolean;
  /** Removes a file, or a folder with what is in it; fine when it is not there. After a power cut it may be back. @throws CellError `evidence.unwritable` */
  remove(name: string): void;
}

/** Makes the folders above a file, each durable in the one above it. */
function makeFolders(root: string, name: string): void {
  let folder = root;
  for (const part of name.split('/').slice(0, -1)) {
    const above = folder;
    folder = `${folder}/${part}`;
    if (existsSync(folder)) continue;
    try {
      mkdirSync(folder, { mode: 0o700 });
      syncFolder(above);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
}

function readFile(path: string): Bytes | undefined {
  try {
    if (!lstatSync(path).isFile()) throw new CellError('evidence.invalid', `Cannot use ${path} of the host log: it is not a file`, { facts: { path } });
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if (error instanceof CellError) throw error;
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw new CellError('evidence.invalid', `Cannot read ${path} of the host log: ${messageOf(error)}`, { cause: error, facts: { path } });
  }
}

/** Files of 0600 in folders of 0700. @throws CellError `state.unusable` for a folder that others can reach */
export function logFilesIn(folder: string): LogFiles {
  privateFolder(folder);
  const path = realpathSync(folder); // one name for one log, as locks go by it
  const guarded = <T>(what: string, name: string, action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw new CellError('evidence.unwritable', `Cannot ${what} ${path}/${name} of the host log: ${messageOf(error)}`, { cause: error, facts: { path: `${path}/${name}` } });
    }
  };
  const put = (name: string, bytes: Bytes, options: { exclusive?: boolean; sync?: boolean }): boolean =>
    guarded('write', name, () => {
      makeFolders(path, name);
      return writeFileAtomic(`${path}/${name}`, bytes, options);
    });
  return {
    path,
    read: (name) => readFile(`${path}/${name}`),
    list(name) {
      try {
        return readdirSync(`${path}/${name}`).sort();
      } catch (error) {
        ignore(error, 'a folder that was not made yet holds nothing');
        return [];
      }
    },
    write: (name, bytes) => void put(name, bytes, {}),
    writeCopy: (name, bytes) => void put(name, bytes, { sync: false }),
    create: (name, bytes) => put(name, bytes, { exclusive: true }),
    remove: (name) => guarded('remove', name, () => rmSync(`${path}/${name}`, { recursive: true, force: true })),
  };
}

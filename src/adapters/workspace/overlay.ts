/**
 * Workspace overlays on this host. The upper folder was filled by a guest, so every name and file in it is hostile.
 *
 *   L1  nothing in the upper folder is followed, and nothing but plain files, folders and symlinks is brought over;
 *   L2  all preconditions are checked before the first write; a path that is no longer what it was refuses the whole;
 *   L3  a file is complete under its name or not there: written beside it, then renamed; set-user-ID bits are taken off.
 *
 * LIMIT: whoever may write in the folder can change it between check and write; nobody else can, as every parent has to be a real folder.
 */
import { chmodSync, chownSync, closeSync, constants, copyFileSync, fstatSync, lchownSync, lstatSync, mkdirSync, openSync, readdirSync, readlinkSync, readSync, renameSync, rmdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { tryDecodeUtf8 } from '../../base/bytes.ts';
import { type Digest, sha256Stream } from '../../base/crypto.ts';
import { CellError, errnoOf, ignore, messageOf } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { WorkspaceChange, WorkspaceEntry } from '../../core/workspace/changes.ts';
import type { WorkspaceOverlay } from '../../ports/workspace.ts';
import { runProgram } from '../os/process.ts';

export interface OverlayFolders {
  /** The folder the command was shown. */
  readonly source: string;
  readonly upper: string;
  /** The cell helper, which can read the overlay's marks. */
  readonly helper: string;
}

interface UpperEntry {
  readonly type: string;
  readonly path: string;
}

/** Fields of the helper's list (native/changes.c). */
function parseUpper(bytes: Uint8Array): UpperEntry[] {
  const entries: UpperEntry[] = [];
  let fields: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new CellError('workspace.unreadable', 'Cannot read the workspace overlay: the list of the helper is cut off');
    fields.push(bytes.subarray(at, end));
    at = end + 1;
    const [type, , , path] = fields;
    if (type === undefined || path === undefined) continue;
    const text = tryDecodeUtf8(path);
    entries.push(text === undefined ? { type: 'o', path: Buffer.from(path).toString('latin1').replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`) } : { type: String.fromCharCode(type[0] ?? 0), path: text });
    fields = [];
  }
  return entries;
}

function fileDigest(path: string): { digest: Digest; sizeBytes: number; mode: number } {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new CellError('workspace.unreadable', `Cannot read ${path}: it is no longer a file`);
    const hash = sha256Stream();
    const buffer = Buffer.allocUnsafe(256 * 1024);
    let sizeBytes = 0;
    for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, got));
      sizeBytes += got;
    }
    return { digest: hash.digest(), sizeBytes, mode: stat.mode & 0o777 };
  } finally {
    closeSync(fd);
  }
}

function entryAt(path: string): WorkspaceEntry | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isFile()) return { kind: 'file', ...fileDigest(path) };
  if (stat.isDirectory()) return { kind: 'directory' };
  if (stat.isSymbolicLink()) return { kind: 'symlink', target: readlinkSync(path) };
  return { kind: 'special' };
}

/** A parent that is no folder: nothing stands beneath it. */
function entryBeneath(root: string, path: string): WorkspaceEntry | undefined {
  try {
    return entryAt(`${root}/${path}`);
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

function sameEntry(a: WorkspaceEntry | undefined, b: WorkspaceEntry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.kind === 'file' && b.kind === 'file') return a.digest === b.digest && a.mode === b.mode;
  if (a.kind === 'symlink' && b.kind === 'symlink') return a.target === b.target;
  return a.kind === b.kind;
}

const byPath = (a: WorkspaceChange, b: WorkspaceChange): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

/** Everything beneath a folder that went away, and the folder. */
function removed(source: string, path: string): WorkspaceChange[] {
  const before = entryBeneath(source, path);
  if (before === undefined) return [];
  const below = before.kind === 'directory' ? readdirSync(`${source}/${path}`).flatMap((name) => removed(source, `${path}/${name}`)) : [];
  return [{ path, before }, ...below];
}

function changesOf(folders: OverlayFolders, entries: readonly UpperEntry[]): WorkspaceChange[] {
  const { source, upper } = folders;
  const present = new Set(entries.filter((entry) => entry.type !== 'w').map((entry) => entry.path));
  const changes = new Map<string, WorkspaceChange>();
  const add = (change: WorkspaceChange): void => void changes.set(change.path, change);
  for (const { type, path } of entries) {
    if (type === 'w') {
      for (const change of removed(source, path)) if (!present.has(change.path)) add(change);
      continue;
    }
    const before = entryBeneath(source, path);
    const after: WorkspaceEntry = type === 'o' ? { kind: 'special' } : (entryAt(`${upper}/${path}`) ?? { kind: 'special' });
    if (before?.kind === 'directory' && (type === 'D' || after.kind !== 'directory')) {
      for (const change of removed(source, path)) if (change.path !== path && !present.has(change.path)) add(change);
    }
    if (!sameEntry(before, after)) add({ path, ...(before === undefined ? {} : { before }), after });
    if (changes.size > LIMITS.workspaceChangesMax) throw new CellError('workspace.unreadable', `Cannot list the changes of the workspace: there are more than ${LIMITS.workspaceChangesMax}`);
  }
  return [...changes.values()].sort(byPath);
}

/** @param listed paths of all changes. @param made folders among what they leave */
function conflictOf(source: string, change: WorkspaceChange, listed: ReadonlySet<string>, made: ReadonlySet<string>): string | undefined {
  const { path, before, after } = change;
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) return `${path} is not a path of the workspace`;
  if (after?.kind === 'special') return `${path} is neither a file, a folder nor a symlink`;
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    if (made.has(parent)) continue;
    if (!lstatSync(`${source}/${parent}`, { throwIfNoEntry: false })?.isDirectory()) return `${parent} is no longer a folder`;
  }
  if (!sameEntry(entryBeneath(source, path), before)) return `${path} is not what it was when the command ran`;
  const unknown = before?.kind === 'directory' && after?.kind !== 'directory' ? readdirSync(`${source}/${path}`).find((name) => !listed.has(`${path}/${name}`)) : undefined;
  return unknown === undefined ? undefined : `${path}/${unknown} is new, in a folder that is to go`;
}

function write(folders: OverlayFolders, change: WorkspaceChange, owner: { uid: number; gid: number } | undefined): void {
  const target = `${folders.source}/${change.path}`;
  const { after } = change;
  if (after === undefined || after.kind === 'special') return;
  if (after.kind === 'directory') {
    if (change.before?.kind === 'directory') return;
    mkdirSync(target, { mode: 0o755 });
    if (owner !== undefined) chownSync(target, owner.uid, owner.gid);
    return;
  }
  const temporary = `${dirname(target)}/.cellos-${process.pid}.part`;
  rmSync(temporary, { force: true });
  try {
    if (after.kind === 'symlink') {
      symlinkSync(after.target, temporary);
      if (owner !== undefined) lchownSync(temporary, owner.uid, owner.gid);
    } else {
      copyFileSync(`${folders.upper}/${change.path}`, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      const copied = fileDigest(temporary);
      if (copied.digest !== after.digest) throw new CellError('workspace.failed', `Cannot apply ${change.path}: the kept file is not the recorded one`);
      if (owner !== undefined) chownSync(temporary, owner.uid, owner.gid);
      chmodSync(temporary, after.mode);
    }
    renameSync(temporary, target); // L3
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function apply(folders: OverlayFolders, changes: readonly WorkspaceChange[]): void {
  const listed = new Set(changes.map((change) => change.path));
  const made = new Set(changes.filter((change) => change.after?.kind === 'directory').map((change) => change.path));
  const conflicts = changes.map((change) => conflictOf(folders.source, change, listed, made)).filter((text) => text !== undefined);
  if (conflicts.length > 0) {
    throw new CellError('workspace.conflict', `Cannot apply the changes: ${conflicts.slice(0, 5).join('; ')}${conflicts.length > 5 ? `; and ${conflicts.length - 5} more` : ''}; nothing was written`, { facts: { conflicts: conflicts.slice(0, 100) } });
  }
  const { uid, gid } = lstatSync(folders.source);
  const owner = process.geteuid?.() === 0 ? { uid, gid } : undefined;
  let done = 0;
  try {
    // What is in the way goes first, the deepest before its parent; then folders come before what is in them, as paths are sorted.
    for (const { path, before, after } of changes.toReversed()) {
      if (before?.kind === 'directory' && after?.kind !== 'directory') rmdirSync(`${folders.source}/${path}`);
      else if (before !== undefined && before.kind !== 'directory' && (after === undefined || after.kind === 'directory')) unlinkSync(`${folders.source}/${path}`);
    }
    for (const change of changes) {
      write(folders, change, owner);
      done += 1;
    }
  } catch (error) {
    throw new CellError('workspace.failed', `Cannot apply the changes: ${messageOf(error)}; ${done} of ${changes.length} were`, { cause: error, facts: { done, changes: changes.length } });
  }
}

export function openOverlay(folders: OverlayFolders): WorkspaceOverlay {
  return {
    async changes() {
      const listed = await runProgram({ program: folders.helper, args: ['changes', folders.upper], env: {}, cwd: '/', outputBytesMax: LIMITS.workspaceListBytesMax });
      if (listed.code !== 0) throw new CellError('workspace.unreadable', `Cannot read the workspace overlay: ${listed.stderr.trim() || `the helper ended with ${listed.code}`}`);
      try {
        return changesOf(folders, parseUpper(listed.stdout));
      } catch (error) {
        ignore(error, 'told with its path');
        throw error instanceof CellError ? error : new CellError('workspace.unreadable', `Cannot read the changes of the workspace: ${messageOf(error)}`, { cause: error });
      }
    },
    apply: (changes) => apply(folders, changes),
  };
}

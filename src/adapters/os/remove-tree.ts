/** Removes a folder of ours with all that is in it. */
import { chmodSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { errnoOf } from '../../base/errors.ts';

/** Opens every folder of the tree to its owner. Follows no link. */
function openFolders(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() !== true) return;
  if ((stat.mode & 0o700) !== 0o700) chmodSync(path, 0o700);
  for (const name of readdirSync(path)) openFolders(`${path}/${name}`);
}

/** Idempotent. Without root, the kernel's overlayfs leaves a folder of mode 000 that its owner cannot list before changing that. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    openFolders(path);
    rmSync(path, { recursive: true, force: true });
  }
}

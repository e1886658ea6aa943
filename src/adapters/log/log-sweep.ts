/** Takes away what a writer that died left in a host log [host-log.ts, X2]. Only the writer that may publish calls it. */
import { TILE_HEIGHT, TILE_WIDTH, tilePath } from '../../core/evidence/tiles.ts';
import { temporaryOwner } from '../os/durable-file.ts';
import type { LogFiles } from './log-files.ts';

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function sweepTemporaries(files: LogFiles, folder: string): void {
  for (const name of files.list(folder)) if (temporaryOwner(name) !== undefined) files.remove(folder === '.' ? name : `${folder}/${name}`);
}

/** Partial tiles of tiles that are full: their writer died before it took them away. */
function sweepOutgrown(files: LogFiles, folder: string, edge: string): void {
  const names = files.list(folder);
  for (const name of names) {
    const full = name.slice(0, -'.p'.length);
    if (name.endsWith('.p') && `${folder}/${full}` !== edge && names.includes(full)) files.remove(`${folder}/${name}`);
  }
}

/** What is wider than the tree at its edge, and the tiles after it. */
function sweepBeyond(files: LogFiles, level: number, index: bigint, width: number): void {
  const pathAt = (at: bigint): string => tilePath({ level, index: at, width: TILE_WIDTH });
  const thereAt = (at: bigint): string[] => {
    const [folder, name] = [folderOf(pathAt(at)), nameOf(pathAt(at))];
    return files.list(folder).filter((one) => one === name || one === `${name}.p`).map((one) => `${folder}/${one}`);
  };
  const after: string[] = [];
  for (let at = index + 1n; ; at += 1n) {
    const there = thereAt(at);
    if (there.length === 0) break;
    after.push(...there);
  }
  for (const path of after.reverse()) files.remove(path); // from the end: a sweep that is stopped leaves no hole
  for (const path of thereAt(index)) {
    if (!path.endsWith('.p')) files.remove(path);
    else for (const wider of files.list(path)) if (Number(wider) > width || temporaryOwner(wider) !== undefined) files.remove(`${path}/${wider}`);
  }
}

/** @param size leaves that the newest checkpoint covers */
export function sweepUncovered(files: LogFiles, size: bigint): void {
  for (const folder of ['.', 'heads']) sweepTemporaries(files, folder);
  for (let level = 0; files.list(`tile/${level}`).length > 0; level += 1) {
    const count = size >> BigInt(TILE_HEIGHT * level);
    const [index, width] = [count / BigInt(TILE_WIDTH), Number(count % BigInt(TILE_WIDTH))];
    const edge = tilePath({ level, index, width: TILE_WIDTH });
    const before = tilePath({ level, index: index === 0n ? 0n : index - 1n, width: TILE_WIDTH });
    sweepBeyond(files, level, index, width);
    for (const folder of new Set([folderOf(before), folderOf(edge)])) {
      sweepTemporaries(files, folder);
      sweepOutgrown(files, folder, edge);
    }
  }
}

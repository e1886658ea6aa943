/**
 * Compiled code of our own modules, kept between starts. What is read from there is run, so it lies in a folder nobody else can write to,
 * never in the shared temporary folder that Node would take by itself. Without such a folder nothing is cached.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import module from 'node:module';
import { ignore } from '../base/errors.ts';
import { currentSettings } from '../config/env.ts';

/** Is it a folder of ours that others can neither write to nor replace by name? */
function isPrivate(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0;
}

export function useCompileCache(): void {
  if (module.getCompileCacheDir() !== undefined) return; // the clone's bin/cellos, or the user, has named one
  const { cacheDir } = currentSettings();
  if (cacheDir === undefined) return;
  const folder = `${cacheDir}/compiled`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (isPrivate(cacheDir) && isPrivate(folder)) module.enableCompileCache(folder);
  } catch (error) {
    ignore(error, 'a cache is never a reason not to run');
  }
}

/** Which programs a run may start at all: those beneath the folders that the operator names (reference/03 §8.2). */
import { realpathSync } from 'node:fs';
import { ignore } from '../../base/errors.ts';
import { cellPath } from '../../core/plan/plan-cell.ts';

const beneath = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    ignore(error, 'it is not on this host: only its name can be looked at');
    return undefined;
  }
}

/**
 * The name without `.` and `..` has to lie beneath one of them, and so has the file it leads to, links followed. A file that only the cell has is
 * judged by its name.
 *
 * @returns why it may not be run
 */
export function refusedProgram(prefixes: readonly string[], program: string): string | undefined {
  if (prefixes.length === 0) return undefined;
  const named = program.replaceAll('\\', '/');
  if (!named.startsWith('/')) return `CELLOS_RUN_ARGV0_ALLOW_PREFIXES is set, so the program has to be an absolute path, and ${JSON.stringify(program)} is none`;
  const path = cellPath(named);
  const refused = `CELLOS_RUN_ARGV0_ALLOW_PREFIXES does not allow ${JSON.stringify(program)}`;
  if (!prefixes.some((prefix) => beneath(path, prefix))) return refused;
  const real = realPath(path);
  if (real === undefined || prefixes.some((prefix) => beneath(real, realPath(prefix) ?? prefix))) return undefined;
  return `${refused}: it leads to ${real}`;
}

/** Unified diffs by the host's `diff`, which every Debian has. */
import { CellError } from '../../base/errors.ts';
import { concatBytes } from '../../base/bytes.ts';
import { LIMITS } from '../../base/limits.ts';
import { findProgram } from '../os/host-facts.ts';
import { runProgram } from '../os/process.ts';

export interface FilePair {
  /** How both are called in the output. */
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}

/** @throws CellError `workspace.unreadable` */
export async function diffFiles(pairs: readonly FilePair[], searchPath: string): Promise<Uint8Array> {
  const program = findProgram('diff', searchPath);
  if (program === undefined) throw new CellError('workspace.unreadable', 'Cannot show the changed lines: diff is not on PATH; install the package diffutils');
  const parts: Uint8Array[] = [];
  for (const { path, before, after } of pairs) {
    const labels = ['--label', before === undefined ? '/dev/null' : `a/${path}`, '--label', after === undefined ? '/dev/null' : `b/${path}`];
    const result = await runProgram({ program, args: ['-u', ...labels, '--', before ?? '/dev/null', after ?? '/dev/null'], env: { LC_ALL: 'C.UTF-8' }, cwd: '/', outputBytesMax: LIMITS.workspaceListBytesMax });
    if (result.code > 1) throw new CellError('workspace.unreadable', `Cannot show the changed lines of ${path}: ${result.stderr.trim()}`);
    parts.push(result.stdout);
  }
  return concatBytes(parts);
}

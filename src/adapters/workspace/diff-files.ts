/** Unified diffs by the host's `diff`, which every Debian has. */
import { CellError } from '../../base/errors.ts';
import { concatBytes, utf8 } from '../../base/bytes.ts';
import { LIMITS } from '../../base/limits.ts';
import { findProgram } from '../os/host-facts.ts';
import { runProgram } from '../os/process.ts';

export interface FilePair {
  /** How both are called in the output, quoted when it holds what a line of a patch cannot. */
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}

/** As git and `patch` quote names: a line end or an escape in one could pose as another line of the patch. */
function label(name: string): string {
  if (!/[\u0000-\u001f\u007f-\u009f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"\\]/.test(name)) return name;
  const bytes = [...utf8(name)].map((byte) => (byte === 0x22 || byte === 0x5c ? `\\${String.fromCharCode(byte)}` : byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte)));
  return `"${bytes.join('')}"`;
}

/** @throws CellError `workspace.unreadable` */
export async function diffFiles(pairs: readonly FilePair[], searchPath: string): Promise<Uint8Array> {
  const program = findProgram('diff', searchPath);
  if (program === undefined) throw new CellError('workspace.unreadable', 'Cannot show the changed lines: diff is not on PATH; install the package diffutils');
  const parts: Uint8Array[] = [];
  for (const { path, before, after } of pairs) {
    const labels = ['--label', before === undefined ? '/dev/null' : label(`a/${path}`), '--label', after === undefined ? '/dev/null' : label(`b/${path}`)];
    const result = await runProgram({ program, args: ['-u', ...labels, '--', before ?? '/dev/null', after ?? '/dev/null'], env: { LC_ALL: 'C.UTF-8' }, cwd: '/', outputBytesMax: LIMITS.workspaceListBytesMax });
    if (result.code > 1) throw new CellError('workspace.unreadable', `Cannot show the changed lines of ${path}: ${result.stderr.trim()}`);
    parts.push(result.stdout);
  }
  return concatBytes(parts);
}

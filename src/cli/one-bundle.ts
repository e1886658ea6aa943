/** The one bundle a command is about: a run of this host by its id, or a bundle at a path. */
import { isThere } from '../compose/audit.ts';
import type { RunEntry, StateFolder } from '../compose/runs.ts';
import { CellError } from '../base/errors.ts';
import type { ParsedArgs } from './command.ts';
import { oneRun } from './one-run.ts';

export interface OneBundle {
  readonly path: string;
  /** undefined: a bundle from elsewhere, of which the state folder knows nothing. */
  readonly run?: RunEntry;
  /** What people are told of where it is. */
  readonly where: string;
}

/**
 * A path that is there goes before an id, as for `cellos verify`.
 *
 * @param state opens the state folder, when it is needed: whoever brings a bundle needs none
 * @throws CellError `usage.invalid` | `run.unknown` | `evidence.invalid`
 */
export function oneBundle(args: ParsedArgs, state: () => StateFolder): OneBundle {
  const [operand, ...more] = args.positionals;
  if (operand !== undefined && more.length === 0 && (isThere(operand) || !/^[0-9a-z]+$/i.test(operand))) {
    if (!isThere(operand)) throw new CellError('run.unknown', `Cannot find ${operand}: there is no such bundle, and no run has such an id`, { facts: { path: operand } });
    return { path: operand, where: operand };
  }
  const { state: folder, run } = oneRun(args, state());
  return { path: run.bundle, run, where: folder.elsewhere(run) ?? run.bundle };
}

/** The one run a command is about. */
import { CellError } from '../base/errors.ts';
import { type RunEntry, StateFolder } from '../compose/runs.ts';
import type { ParsedArgs } from './command.ts';

export interface OneRun {
  readonly state: StateFolder;
  readonly run: RunEntry;
}

/** The state folder, made when it is first asked for: an auditor with a bundle and a trust file needs none, and gets none. */
export function stateOnDemand(path: string): () => StateFolder {
  let folder: StateFolder | undefined;
  return () => {
    folder ??= new StateFolder(path);
    return folder;
  };
}

/** A run whose bundle can be read. @throws CellError `usage.invalid` | `run.unknown` | `evidence.invalid` */
export function oneRun(args: ParsedArgs, state: StateFolder): OneRun {
  const [id, ...more] = args.positionals;
  if (id === undefined || more.length > 0) throw new CellError('usage.invalid', 'Cannot tell which run is meant: give the id of one; cellos ps lists them');
  const run = state.resolve(id);
  const path = state.elsewhere(run);
  if (run.state === 'missing') throw new CellError('evidence.invalid', `Cannot read run ${run.runId}: its bundle was put into ${path ?? run.bundle}, and is not there any more`, { facts: { path: path ?? run.bundle } });
  return { state, run };
}

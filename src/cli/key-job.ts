/** What an action of `cellos keys` works on. */
import type { StateFolder } from '../compose/runs.ts';
import type { ParsedArgs } from './command.ts';
import type { Output } from './output.ts';

export interface KeyJob {
  readonly state: StateFolder;
  readonly args: ParsedArgs;
  readonly operands: readonly string[];
  readonly out: Output;
}

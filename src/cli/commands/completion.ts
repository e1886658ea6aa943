/** `cellos completion`: completions for a shell, on stdout. */
import { CellError, EXIT } from '../../base/errors.ts';
import { currentSettings } from '../../config/env.ts';
import type { CommandInfo, ParsedArgs } from '../command.ts';
import { COMPLETIONS, type Shell } from '../complete.ts';
import { standardOutput } from '../output.ts';

async function complete(args: ParsedArgs, commands: readonly CommandInfo[]): Promise<number> {
  const [shell, ...more] = args.positionals;
  if (shell === undefined || more.length > 0 || !Object.hasOwn(COMPLETIONS, shell)) throw new CellError('usage.invalid', `Cannot complete for ${shell === undefined ? 'no shell' : JSON.stringify(shell)}: choose one of ${Object.keys(COMPLETIONS).join(', ')}`);
  await standardOutput(currentSettings()).write(COMPLETIONS[shell as Shell](commands));
  return EXIT.ok;
}

/** @param commands the table; handed in, as it names this file */
export const completionCommandLine = (commands: () => readonly CommandInfo[]): { execute(args: ParsedArgs): Promise<number> } => ({ execute: (args) => complete(args, commands()) });

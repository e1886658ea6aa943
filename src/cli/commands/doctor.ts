/** `cellos doctor`: what this host can enforce, and the fix for what it cannot. */
import { CellError, EXIT } from '../../base/errors.ts';
import { diagnose } from '../../compose/doctor.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { standardOutput } from '../output.ts';
import { doctorLines } from '../render-doctor.ts';

async function execute(args: ParsedArgs): Promise<number> {
  if (args.positionals.length > 0) throw new CellError('usage.invalid', 'Cannot examine that: cellos doctor takes options only');
  const settings = currentSettings();
  const out = standardOutput(settings);
  const diagnosis = await diagnose(settings);
  if (args.flag('json')) await out.json(diagnosis);
  else await out.lines(doctorLines(diagnosis, { width: Math.min(out.width, 120), style: out.style }));
  return diagnosis.strength === 'full' ? EXIT.ok : EXIT.unsatisfiable;
}

export const doctorCommandLine = { execute };

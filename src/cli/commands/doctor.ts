/** `cellos doctor`: what this host can enforce, and the fix for what it cannot. */
import { ATTACK_CLASSES, type AttackClass } from '../../attacks/attack.ts';
import { utf8 } from '../../base/bytes.ts';
import { CellError, EXIT } from '../../base/errors.ts';
import { diagnose } from '../../compose/doctor.ts';
import { currentSettings, type Settings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { attackBoard } from '../attack-board.ts';
import { standardError, standardOutput } from '../output.ts';
import { doctorLines } from '../render-doctor.ts';

function classesOf(names: readonly string[]): readonly AttackClass[] | undefined {
  const unknown = names.find((name) => !Object.hasOwn(ATTACK_CLASSES, name));
  if (unknown !== undefined) throw new CellError('usage.invalid', `Cannot attack ${JSON.stringify(unknown)}: the classes are ${Object.keys(ATTACK_CLASSES).join(', ')}`);
  return names.length === 0 ? undefined : (names as readonly AttackClass[]);
}

/** @returns 0 when no attack is broken */
async function attack(args: ParsedArgs, settings: Settings): Promise<number> {
  const { runAttackSuite } = await import('../../compose/attacks.ts');
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(new CellError('cancelled', 'Cannot finish the attacks: told to stop')));
  const classes = classesOf(args.texts('class'));
  const keep = args.text('keep');
  const [out, err] = [standardOutput(settings), standardError(settings)];
  const board = await runAttackSuite({
    settings,
    signal: stop.signal,
    ...(classes === undefined ? {} : { classes }),
    ...(keep === undefined ? {} : { keep }),
    onResult: (result) => {
      if (!args.flag('json') && result.verdict === 'broken') void err.lines([`cellos: broken: ${result.id}`]);
    },
  });
  if (args.flag('json')) await out.json(board);
  else await out.write(utf8(attackBoard(board)));
  return board.broken === 0 ? EXIT.ok : EXIT.failure;
}

async function execute(args: ParsedArgs): Promise<number> {
  if (args.positionals.length > 0) throw new CellError('usage.invalid', 'Cannot examine that: cellos doctor takes options only');
  const settings = currentSettings();
  if (args.flag('attacks')) return attack(args, settings);
  if (args.texts('class').length > 0 || args.text('keep') !== undefined) throw new CellError('usage.invalid', 'Cannot use --class or --keep here: they go with --attacks');
  const out = standardOutput(settings);
  const diagnosis = await diagnose(settings);
  if (args.flag('json')) await out.json(diagnosis);
  else await out.lines(doctorLines(diagnosis, { width: Math.min(out.width, 120), style: out.style }));
  return diagnosis.strength === 'full' ? EXIT.ok : EXIT.unsatisfiable;
}

export const doctorCommandLine = { execute };

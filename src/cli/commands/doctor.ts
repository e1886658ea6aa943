/** `cellos doctor --attacks`: attacks real cells of this host and prints the scoreboard. */
import { ATTACK_CLASSES, type AttackClass } from '../../attacks/attack.ts';
import { CellError, EXIT } from '../../base/errors.ts';
import { runAttackSuite } from '../../compose/attacks.ts';
import { currentSettings } from '../../config/env.ts';
import { attackBoard } from '../attack-board.ts';
import type { ParsedArgs } from '../command.ts';

function classesOf(names: readonly string[]): readonly AttackClass[] | undefined {
  const unknown = names.find((name) => !Object.hasOwn(ATTACK_CLASSES, name));
  if (unknown !== undefined) throw new CellError('usage.invalid', `Cannot attack ${JSON.stringify(unknown)}: the classes are ${Object.keys(ATTACK_CLASSES).join(', ')}`);
  return names.length === 0 ? undefined : (names as readonly AttackClass[]);
}

/** @returns 0 when no attack is broken */
export async function doctorAttacks(args: ParsedArgs): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort(new CellError('cancelled', 'Cannot finish the attacks: told to stop')));
  const classes = classesOf(args.texts('class'));
  const keep = args.text('keep');
  const board = await runAttackSuite({
    settings: currentSettings(),
    signal: stop.signal,
    ...(classes === undefined ? {} : { classes }),
    ...(keep === undefined ? {} : { keep }),
    onResult: (result) => {
      if (!args.flag('json') && result.verdict === 'broken') process.stderr.write(`cellos: broken: ${result.id}\n`);
    },
  });
  process.stdout.write(args.flag('json') ? `${JSON.stringify(board)}\n` : attackBoard(board));
  return board.broken === 0 ? EXIT.ok : EXIT.failure;
}

async function execute(args: ParsedArgs): Promise<number> {
  if (!args.flag('attacks')) throw new CellError('usage.invalid', 'Cannot tell what to examine: this version knows cellos doctor --attacks');
  return doctorAttacks(args);
}

export const doctorCommandLine = { execute };

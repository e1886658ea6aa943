/** What a command of the program is: its options as a table, its help made from it, and the code behind it loaded when it is asked for. */
import { parseArgs } from 'node:util';
import { CellError, messageOf } from '../base/errors.ts';
import { closest } from './closest.ts';
import { wrap } from './render.ts';

export interface OptionInfo {
  readonly name: string;
  /** What it takes; undefined: it is a flag. `FILE`, `DIR`, `PATH…` are completed as such. */
  readonly value?: string;
  readonly multiple?: boolean;
  readonly short?: string;
  readonly about: string;
  /** The only values there are, for completion. */
  readonly values?: readonly string[];
}

/** What the operands of a command are, for completion. */
export type Operand = 'run' | 'running-run' | 'file' | 'none' | readonly string[];

export interface CommandInfo {
  readonly name: string;
  /** What follows the name in a usage line; several forms one a line. */
  readonly usage: string;
  /** First line: the summary. The rest: what a newcomer has to know. */
  readonly about: string;
  readonly operand: Operand;
  /** Of those in `operand`, the one that is followed by a run, for completion. */
  readonly runAction?: string;
  readonly options: readonly OptionInfo[];
  readonly examples: readonly string[];
  readonly exits: readonly (readonly [string, string])[];
  readonly load: () => Promise<{ execute(args: ParsedArgs): Promise<number> }>;
}

export interface ParsedArgs {
  readonly positionals: readonly string[];
  /** What stands after `--`, or undefined when there is no `--`. */
  readonly rest: readonly string[] | undefined;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  flag(name: string): boolean;
}

function misunderstood(command: CommandInfo, error: unknown): CellError {
  const said = messageOf(error).split('. ')[0] ?? '';
  const unknown = /^Unknown option '--?([^']*)'/.exec(said)?.[1];
  const meant = unknown === undefined ? undefined : closest(unknown, command.options.map((option) => option.name));
  if (unknown === undefined) return new CellError('usage.invalid', `Cannot understand the command line: ${said}; see cellos ${command.name} --help`);
  return new CellError('usage.invalid', `Cannot understand the command line: cellos ${command.name} has no option ${unknown.length === 1 ? '-' : '--'}${unknown}${meant === undefined ? '.' : `; did you mean --${meant}?`} See cellos ${command.name} --help`);
}

/** @throws CellError `usage.invalid` */
export function parseCommandArgs(command: CommandInfo, argv: readonly string[]): ParsedArgs {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  const options = Object.fromEntries(
    command.options.map((option) => [option.name, { type: option.value === undefined ? ('boolean' as const) : ('string' as const), multiple: option.multiple ?? false, ...(option.short === undefined ? {} : { short: option.short }) }]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...own], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw misunderstood(command, error);
  }
  const { values } = parsed;
  return {
    positionals: parsed.positionals,
    rest: end < 0 ? undefined : argv.slice(end + 1),
    text: (name) => values[name] as string | undefined,
    texts: (name) => (values[name] as string[] | undefined) ?? [],
    flag: (name) => values[name] === true,
  };
}

/** Two columns, the second wrapped; an entry too long for its column gets a line of its own. */
export function twoColumns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.min(30, Math.max(0, ...rows.map(([name]) => name.length)));
  return rows.flatMap(([name, about]) => {
    const lines = wrap(about, width, ' '.repeat(left + 4));
    if (name.length > left) return [`  ${name}`, ...lines];
    return [`  ${name.padEnd(left)}  ${(lines[0] ?? '').trimStart()}`, ...lines.slice(1)];
  });
}

/** @param width columns, at most 100 are used */
export function commandHelp(command: CommandInfo, width: number): string {
  const room = Math.min(width, 100);
  const options = command.options.map((option) => [`${option.short === undefined ? '    ' : `-${option.short}, `}--${option.name}${option.value === undefined ? '' : ` ${option.value}`}`, option.about] as const);
  const forms = command.usage.split('\n').map((form, at) => `${at === 0 ? 'Usage: ' : '       '}cellos ${command.name} ${form}`.trimEnd());
  const about = command.about.split('\n').flatMap((paragraph) => wrap(paragraph, room));
  const lines = [...forms, '', ...about];
  if (options.length > 0) lines.push('', 'Options:', ...twoColumns(options, room));
  if (command.examples.length > 0) lines.push('', 'Examples:', ...command.examples.map((example) => `  ${example}`));
  lines.push('', 'Exit codes:', ...twoColumns(command.exits, room));
  return `${lines.join('\n')}\n`;
}

/** What a command of the program is: its options as a table, its help made from it, and the code behind it loaded when it is asked for. */
import { parseArgs } from 'node:util';
import { CellError, messageOf } from '../base/errors.ts';

export interface OptionInfo {
  readonly name: string;
  readonly value?: string;
  readonly multiple?: boolean;
  readonly short?: string;
  readonly about: string;
}

export interface CommandInfo {
  readonly name: string;
  /** What follows the name in a usage line. */
  readonly usage: string;
  readonly about: string;
  readonly options: readonly OptionInfo[];
  readonly examples: readonly string[];
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
    throw new CellError('usage.invalid', `Cannot understand the command line: ${messageOf(error).split('. ')[0]}; see cellos ${command.name} --help`);
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

export function commandHelp(command: CommandInfo): string {
  const names = command.options.map((option) => `${option.short === undefined ? '    ' : `-${option.short}, `}--${option.name}${option.value === undefined ? '' : ` ${option.value}`}`);
  const width = Math.max(0, ...names.map((name) => name.length));
  const lines = [`Usage: cellos ${command.name} ${command.usage}`, '', command.about];
  if (names.length > 0) lines.push('', 'Options:', ...command.options.map((option, i) => `  ${(names[i] ?? '').padEnd(width)}  ${option.about}`));
  if (command.examples.length > 0) lines.push('', 'Examples:', ...command.examples.map((example) => `  ${example}`));
  return `${lines.join('\n')}\n`;
}

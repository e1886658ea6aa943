/** The program `cellos`: finds the command, runs it, turns errors into lines on stderr and an exit code. */
import { EXIT, isCellError, messageOf } from '../base/errors.ts';
import { VERSION } from '../version.ts';
import { closest } from './closest.ts';
import { type CommandInfo, commandHelp, parseCommandArgs, twoColumns } from './command.ts';
import { COMMANDS } from './commands.ts';
import { standardStream, writeFailure } from './output.ts';
import { wrap } from './render.ts';
import { errorLines } from './render-error.ts';

const width = (): number => standardStream('stdout').columns || 100;

function help(): string {
  const room = Math.min(width(), 100);
  const rows = (pairs: readonly (readonly [string, string])[]): string[] => twoColumns(pairs, room);
  return [
    'Usage: cellos COMMAND [options]',
    '',
    ...wrap('Runs work you do not trust in a least-authority cell, and leaves evidence that anyone can check offline.', room),
    '',
    'Commands:',
    ...rows(COMMANDS.map((command) => [command.name, command.about.split('\n')[0] ?? ''])),
    '',
    'Begin with:',
    ...rows([
      ['cellos doctor', 'can this host do it?'],
      ['cellos run -- echo hello', 'a command in a cell; the last line names the run'],
      ['cellos show RUN', 'what was enforced, what happened'],
      ['cellos verify RUN', 'is the evidence whole?'],
    ]),
    '',
    ...wrap('cellos COMMAND --help says more about one. Runs are kept in $CELLOS_STATE_DIR, else in /var/lib/cellos for root, else in ~/.local/state/cellos.', room),
    '',
  ].join('\n');
}

function fail(lines: readonly string[], code: number): number {
  standardStream('stderr').write(`${lines.join('\n')}\n`);
  return code;
}

function unknownCommand(name: string): number {
  const meant = closest(name, COMMANDS.map((command) => command.name));
  return fail([`cellos: There is no command ${JSON.stringify(name)}${meant === undefined ? '.' : `; did you mean ${meant}?`} See cellos --help`], EXIT.usage);
}

function find(name: string | undefined): CommandInfo | undefined {
  return COMMANDS.find((command) => command.name === name);
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const [about] = rest;
    const asked = find(about);
    if (about !== undefined && asked === undefined) return unknownCommand(about);
    standardStream('stdout').write(asked === undefined ? help() : commandHelp(asked, width()));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === '--version' || name === '-V') {
    standardStream('stdout').write(`cellos ${VERSION}\n`);
    return EXIT.ok;
  }
  const command = find(name);
  if (command === undefined) return unknownCommand(name);
  const end = rest.indexOf('--');
  if ((end < 0 ? rest : rest.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')) {
    standardStream('stdout').write(commandHelp(command, width()));
    return EXIT.ok;
  }
  const args = parseCommandArgs(command, rest);
  return (await command.load()).execute(args);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code === EXIT.ok && writeFailure() !== undefined ? fail([`cellos: Cannot write all of the output: ${messageOf(writeFailure())}`], EXIT.failure) : code;
  },
  (error: unknown) => {
    process.exitCode = fail(errorLines(error), isCellError(error) ? (typeof error.facts['exit'] === 'number' ? error.facts['exit'] : error.info.exit) : EXIT.failure);
  },
);

/** The program `cellos`: finds the command, runs it, turns errors into one line and an exit code. */
import { EXIT, isCellError, messageOf } from '../base/errors.ts';
import { VERSION } from '../version.ts';
import { commandHelp, parseCommandArgs } from './command.ts';
import { COMMANDS } from './commands.ts';

function help(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  return [
    'Usage: cellos COMMAND [options]',
    '',
    'Runs untrusted work in a least-authority cell, and leaves evidence anyone can check offline.',
    '',
    'Commands:',
    ...COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.about.split('\n')[0]}`),
    '',
    'Begin with:',
    "  cellos run -- sh -c 'echo hello from the cell'",
    '  cellos verify RUN          (the run id is in the last line on stderr)',
    '',
    'cellos COMMAND --help says more about one.',
    '',
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const asked = COMMANDS.find((command) => command.name === rest[0]);
    process.stdout.write(asked === undefined ? help() : commandHelp(asked));
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  if (name === '--version' || name === '-V') {
    process.stdout.write(`cellos ${VERSION}\n`);
    return EXIT.ok;
  }
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined) {
    process.stderr.write(`cellos: There is no command ${JSON.stringify(name)}: see cellos --help\n`);
    return EXIT.usage;
  }
  const end = rest.indexOf('--');
  if ((end < 0 ? rest : rest.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(commandHelp(command));
    return EXIT.ok;
  }
  const args = parseCommandArgs(command, rest);
  return (await command.load()).execute(args);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`cellos: ${messageOf(error)}\n`);
    process.exitCode = isCellError(error) ? error.info.exit : EXIT.failure;
  },
);

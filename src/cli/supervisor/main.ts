/**
 * The program `cellos-supervisor`: the reference's command line, with our supervisor behind it.
 *
 *   SM1  nothing is printed to stdout in a run but what the command writes; only --validate, --version, --help and secret get write there;
 *   SM2  what does not run anything comes before any gate: version, help, secrets.
 */
import { isCellError, messageOf } from '../../base/errors.ts';
import { currentSettings, environment } from '../../config/env.ts';
import { tellsWarnings } from '../../config/setting.ts';
import { Output, standardStream } from '../output.ts';
import { visible } from '../render.ts';
import { closeStandardInput, openStandardInput } from '../standard-input.ts';
import { CONTRACT_VERSION, DEFAULT_SPEC_PATH, helpText, USAGE_SECRET } from './help.ts';

const FAILED = 1;

/** `Error: ` and the message with the name of its rule, then what else is wrong, a line each. */
function errorLines(error: unknown): string[] {
  const facts = isCellError(error) ? error.facts : {};
  const [head = '', ...more] = messageOf(error).split('\n');
  const rule = typeof facts['rule'] === 'string' ? facts['rule'] : isCellError(error) ? error.code : 'internal';
  const also = Array.isArray(facts['also']) ? facts['also'].map((text) => `  Also: ${String(text)}`) : [];
  return [`Error: ${head} [${rule}]`, ...more, ...also].map(visible);
}

function fail(error: unknown): number {
  standardStream('stderr').write(`${errorLines(error).join('\n')}\n`);
  return FAILED;
}

async function secret([verb, key]: readonly string[]): Promise<number> {
  if (verb !== 'get' || key === undefined) {
    standardStream('stderr').write(`Error: Usage: ${USAGE_SECRET}, inside a run whose secrets are delivered by socket [secret-usage]\n`);
    return FAILED;
  }
  const { getSecret } = await import('./secret-get.ts');
  standardStream('stdout').write(await getSecret(environment, key));
  return 0;
}

function onSignals(): { cancel: AbortController; force: AbortController } {
  const stops = { cancel: new AbortController(), force: new AbortController() };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (stops.cancel.signal.aborted) stops.force.abort(name);
      else stops.cancel.abort(name);
    });
  }
  return stops;
}

function logLine(target: string, text: string): string {
  const time = new Date().toISOString().replace('Z', '000Z');
  return `${time}  WARN cellos.supervisor.${target}: ${visible(text.replaceAll('\n', ' '))}\n`;
}

async function* chunksOf(): AsyncGenerator<Uint8Array> {
  yield* openStandardInput().chunks;
}

async function runSpec(path: string, validate: boolean): Promise<number> {
  const { supervise } = await import('../../compose/supervisor/supervise.ts');
  const settings = currentSettings();
  const streams = { stdout: new Output('stdout', settings), stderr: new Output('stderr', settings) };
  const stops = onSignals();
  const told = tellsWarnings(environment['RUST_LOG']);
  try {
    const { failure, exitCode } = await supervise({
      env: environment,
      settings,
      path,
      validate,
      io: () => ({ stdin: path === '-' ? undefined : chunksOf(), onOutput: (stream, chunk) => streams[stream].write(chunk), signal: stops.cancel.signal, force: stops.force.signal }),
      print: (text) => void standardStream('stdout').write(text),
      warn: (target, text) => {
        if (told) standardStream('stderr').write(logLine(target, text));
      },
    });
    if (failure !== undefined) standardStream('stderr').write(`Error: ${visible(failure)}\n`);
    if (streams.stdout.unread + streams.stderr.unread > 0 && stops.cancel.signal.aborted) process.exit(exitCode); // whoever reads has had its time
    return exitCode;
  } finally {
    closeStandardInput();
  }
}

async function main([first, ...rest]: readonly string[]): Promise<number> {
  if (first === '--version' || first === '-V') {
    standardStream('stdout').write(`cellos-supervisor ${CONTRACT_VERSION}\n`);
    return 0;
  }
  if (first === '--help') {
    standardStream('stdout').write(helpText());
    return 0;
  }
  if (first === 'secret') return secret(rest);
  if (first === '--validate') return runSpec(rest[0] ?? DEFAULT_SPEC_PATH, true);
  return runSpec(first ?? DEFAULT_SPEC_PATH, false);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = fail(error);
  },
);

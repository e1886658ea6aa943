/** `cellos logs`: the kept output of a run. */
import { EXIT } from '../../base/errors.ts';
import { type OutputName, readOutput, StateFolder, summarise } from '../../compose/runs.ts';
import { currentSettings } from '../../config/env.ts';
import type { ParsedArgs } from '../command.ts';
import { oneRun } from '../one-run.ts';
import { type Output, standardError, standardOutput } from '../output.ts';
import { visibleLines } from '../render.ts';

/** Bytes for a pipe; for a terminal, text whose control characters are shown. A character cut by the end of a piece waits for the next. */
function writerTo(out: Output, raw: boolean): { write(piece: Uint8Array): Promise<boolean>; end(): Promise<boolean> } {
  if (raw || !out.terminal) return { write: (piece) => out.write(piece), end: () => Promise.resolve(true) };
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    write: (piece) => out.write(visibleLines(decoder.decode(piece, { stream: true }))),
    end: () => out.write(visibleLines(decoder.decode())),
  };
}

function namesOf(args: ParsedArgs): readonly OutputName[] {
  const only = (['stdout', 'stderr'] as const).filter((name) => args.flag(name));
  return only.length === 0 ? ['stdout', 'stderr'] : only;
}

async function execute(args: ParsedArgs): Promise<number> {
  const settings = currentSettings();
  const { state, run } = oneRun(args, new StateFolder(settings.stateDir));
  const names = namesOf(args);
  const [out, err] = [standardOutput(settings), standardError(settings)];
  const raw = args.flag('raw');
  const writers = { stdout: writerTo(out, raw), stderr: writerTo(names.length === 1 ? out : err, raw) };
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(name));
  for await (const { name, piece } of readOutput(state, run, names, { follow: args.flag('follow'), signal: AbortSignal.any([stop.signal, out.gone]) })) {
    if (!(await writers[name].write(piece)) && name === 'stdout') break;
  }
  for (const name of names) await writers[name].end();
  if (summarise(run).view.limits.includes('output')) await err.lines(['cellos: the command wrote more than is kept: cellos show says how much']);
  return EXIT.ok;
}

export const logsCommandLine = { execute };

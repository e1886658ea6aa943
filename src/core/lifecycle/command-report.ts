/**
 * How the end of a command is told in the reference's stream: its `exitCode` is the command's own or -1, and what kept a command from running,
 * or ended it, is its `spawnError` (reference/03 §6.2). Pure.
 */
import type { U64 } from '../spec/document.ts';

/** The end of a command as a run of ours knows it. */
export interface EndedCommand {
  readonly ending: 'exited' | 'signalled' | 'timed-out' | 'cancelled' | 'limit-exceeded' | 'exec-failed' | 'lost';
  readonly exitCode: number;
  readonly signalName?: string;
  readonly reason?: string;
  readonly errno?: number;
}

/** Which limit of time is in force, and who set it. */
export interface TimeLimit {
  readonly ms: number;
  readonly by: 'document' | 'setting' | 'ttl';
}

export interface CommandReport {
  /** As the reference's stream has it. */
  readonly exitCode: number;
  readonly spawnError?: string;
  /** Why the run failed because of it. */
  readonly failure?: string;
}

const safe = (value: U64): number => (typeof value === 'bigint' ? Number.MAX_SAFE_INTEGER : value);

/** The shorter of the two time limits, the document's when they are the same; the time to live counts when it is shorter than that. */
export function timeLimitOf(input: { timeoutMs: U64 | undefined; settingMs: bigint | undefined; ttlSeconds: U64 }): TimeLimit {
  const setting = input.settingMs === undefined ? undefined : Number(input.settingMs > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : input.settingMs);
  const document = input.timeoutMs === undefined ? undefined : safe(input.timeoutMs);
  const ttl: TimeLimit = { ms: Math.min(safe(input.ttlSeconds) * 1000, Number.MAX_SAFE_INTEGER), by: 'ttl' };
  const asked: TimeLimit | undefined =
    document !== undefined && (setting === undefined || document <= setting) ? { ms: document, by: 'document' } : setting === undefined ? undefined : { ms: setting, by: 'setting' };
  return asked === undefined || ttl.ms < asked.ms ? ttl : asked;
}

const LIMIT_TEXT: Readonly<Record<TimeLimit['by'], string>> = { document: 'spec.run.timeoutMs', setting: 'CELLOS_RUN_TIMEOUT_MS', ttl: 'spec.lifetime.ttlSeconds' };

export function timeLimitText({ ms, by }: TimeLimit): string {
  return by === 'ttl' ? `the time to live of the cell was over after ${ms} ms (${LIMIT_TEXT.ttl} ${ms / 1000})` : `the command took longer than ${ms} ms (${LIMIT_TEXT[by]})`;
}

/** The system's own words for the errors that starting a program ends in. */
const OS_ERRORS: Readonly<Record<number, string>> = {
  1: 'Operation not permitted', 2: 'No such file or directory', 7: 'Argument list too long', 8: 'Exec format error', 11: 'Resource temporarily unavailable', 12: 'Cannot allocate memory', 13: 'Permission denied',
  20: 'Not a directory', 21: 'Is a directory', 26: 'Text file busy', 36: 'File name too long', 40: 'Too many levels of symbolic links',
};

export function osErrorText(errno: number): string {
  return `${OS_ERRORS[errno] ?? 'Unknown error'} (os error ${errno})`;
}

/** For a command that could not even be tried. */
export function notStarted(why: string): CommandReport {
  return { exitCode: -1, spawnError: why, failure: `Cannot run the command: ${why}` };
}

export function reportOf(end: EndedCommand, limit: TimeLimit): CommandReport {
  switch (end.ending) {
    case 'exited':
      return end.exitCode === 0 ? { exitCode: 0 } : { exitCode: end.exitCode, failure: `The command ended with status ${end.exitCode}` };
    case 'signalled':
      return { exitCode: -1, failure: `The command was ended by ${end.signalName ?? 'a signal'}` };
    case 'timed-out':
      return notStarted(timeLimitText(limit));
    case 'exec-failed':
      return notStarted(end.errno === undefined ? (end.reason ?? 'it could not be started') : osErrorText(end.errno));
    case 'cancelled':
    case 'limit-exceeded':
    case 'lost':
      return { exitCode: -1, failure: `The command was ended: ${end.reason ?? end.ending}` };
  }
}

/**
 * What a report knows of uses, as far as a document could be narrowed by it.
 *
 *   OU1  a run teaches something only when it came to its own end: every command exited with 0. What another one would have used later was never seen;
 *   OU2  what no record could tell is absent here, and so narrows nothing.
 */
import { peakOfCommands } from '../report/run-times.ts';
import type { RunReport } from '../report/report-model.ts';

const MIB = 1024 * 1024;

export interface SecretUse {
  readonly use: 'used' | 'unused' | 'not-observed';
  /** What was seen, or why nothing was. */
  readonly seen: string;
}

export interface ObservedUse {
  /** undefined: it ended well; else why nothing follows from it [OU1]. */
  readonly unfit?: string;
  readonly secrets: ReadonlyMap<string, SecretUse>;
  /** Names of the artifacts that were delivered. */
  readonly exported: ReadonlySet<string>;
  /** Had the cell loopback and nothing else, by the plan and by the kernel? */
  readonly loopbackOnly: boolean;
  /** Did nothing interpret an opaque filesystem authority, and the cell have the default mounts? */
  readonly defaultMounts: boolean;
  /** Most memory that the cell ever held, by the kernel, bytes. */
  readonly memoryPeakBytes?: number;
  /** The memory limit that was in force is at least this, bytes; undefined: none was. */
  readonly memoryLimitBytesMin?: number;
  readonly processesPeak?: number;
  /** The longest command, by the monotonic clock, ms. */
  readonly longestMs?: number;
  /** From the first record to the end of the last command, by the wall clock, ms. */
  readonly lifeMs?: number;
}

/** @returns why the run teaches nothing [OU1] */
function unfitness({ run, commands, commandsMore, gaps }: RunReport): string | undefined {
  if (run.outcome === undefined) return 'the run has no end on the record: what it would have used is not known';
  if (commands.length === 0) return `the run never began a command (${run.outcome}): nothing was used, and nothing follows from that`;
  const bad = commands.find(({ ending, exitCode }) => ending !== 'exited' || exitCode !== 0);
  if (bad !== undefined) return `a command did not end with exit code 0 (${bad.signalName ?? bad.ending}${bad.exitCode === undefined ? '' : ` ${bad.exitCode}`}): what it would have used after that was never seen`;
  if (run.outcome !== 'exited' && run.outcome !== 'closed') return `the run did not end by itself (${run.outcome}): what it would have used after that was never seen`;
  if (run.outcome === 'closed' && gaps.withheld.length > 0) return 'events are withheld, and the end of a command that failed may be among them';
  return commandsMore > 0 ? 'the run had more commands than a report tells of' : undefined;
}

/** `512 MiB` of a plan is rounded: the limit is at least half a MiB less. */
function limitOf({ items }: RunReport): number | undefined {
  const item = items.find(({ name }) => name === 'limit.memory');
  const mib = item?.status === 'enforced' ? /^(\d{1,12}) MiB$/.exec(item.effective)?.[1] : undefined;
  return mib === undefined ? undefined : Number(mib) * MIB - MIB / 2;
}

export function observedUse(report: RunReport): ObservedUse {
  const { authority, commands, lanes, items } = report;
  const unfit = unfitness(report);
  const secrets = new Map<string, SecretUse>();
  for (const { kind, name, use, seen } of authority) {
    if (kind !== 'secret' || use === 'refused') continue;
    // A secret with several leases is unused only when each of them is.
    const known = secrets.get(name);
    const answer = use === 'used' || use === 'unused' ? use : 'not-observed';
    if (known === undefined || known.use === 'unused' || answer === 'used') secrets.set(name, { use: answer, seen });
  }
  const durations = commands.map(({ durationMs }) => durationMs);
  const known = durations.filter((ms) => ms !== undefined);
  const ends = lanes.lanes.filter(({ kind }) => kind === 'command').map(({ toMs }) => toMs);
  const ended = ends.filter((ms) => ms !== undefined);
  const memory = peakOfCommands(report.commands, 'memoryPeakBytes');
  const pids = peakOfCommands(report.commands, 'processesPeak');
  const limit = limitOf(report);
  const files = items.find(({ name }) => name === 'authority.filesystem');
  return {
    ...(unfit === undefined ? {} : { unfit }),
    secrets,
    exported: new Set(report.exports.filter(({ failed }) => failed === undefined).map(({ name }) => name)),
    loopbackOnly: authority.some(({ use }) => use === 'impossible'),
    defaultMounts: files?.status === 'downgraded' && files.effective === 'the default mounts',
    ...(memory === undefined || report.gaps.withheld.length > 0 || report.gaps.unreadable > 0 ? {} : { memoryPeakBytes: memory }),
    ...(limit === undefined ? {} : { memoryLimitBytesMin: limit }),
    ...(pids === undefined || report.gaps.withheld.length > 0 || report.gaps.unreadable > 0 ? {} : { processesPeak: pids }),
    ...(known.length === 0 || known.length < durations.length ? {} : { longestMs: Math.max(...known) }),
    ...(ended.length === 0 || ended.length < ends.length || lanes.more > 0 ? {} : { lifeMs: Math.max(...ended) }),
  };
}

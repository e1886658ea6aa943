/**
 * When things happened: the commands with their durations, and the lanes of a timeline.
 *
 *   RT1  a duration is monotonic where a record has one (`durationMs` of a command); everything else is told from the wall clock of the host and says so;
 *   RT2  a lane without an end is open: nothing says that it ended.
 */
import { EVENTS } from '../../events/catalogue.ts';
import type { ViewedRecord } from '../viewed-record.ts';
import { defined, numberOf, objectOf, textOf, textsOf } from './read-data.ts';
import type { RunFacts } from './run-facts.ts';

/** Lanes for people: more of them are no picture any more. */
const LANES_MAX = 24;
const MARKS_MAX = 60;

export interface CommandRun {
  readonly argv: readonly string[];
  readonly ending: string;
  readonly exitCode?: number;
  readonly signalName?: string;
  readonly reason?: string;
  /** Monotonic clock of the host, ms [RT1]. */
  readonly durationMs?: number;
  readonly cpuMs?: number;
  /** Of the whole cell, by its cgroup. */
  readonly memoryPeakBytes?: number;
  /** Of the largest process, where no cgroup counts. */
  readonly residentPeakBytes?: number;
  readonly processesPeak?: number;
  /** Who saw it end. */
  readonly tier: string;
}

export interface Mark {
  /** Since the first record, by the wall clock, ms. */
  readonly atMs: number;
  readonly what: string;
}

export interface Lane {
  readonly name: string;
  readonly kind: 'run' | 'cell' | 'command' | 'secret' | 'export';
  readonly fromMs: number;
  /** undefined: it has no end on the record [RT2]. */
  readonly toMs?: number;
  /** Monotonic, where a record has it [RT1]; else it is the length of the lane. */
  readonly tookMs?: number;
  readonly marks: readonly Mark[];
}

export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly more: number;
  /** End of the picture, ms. */
  readonly lengthMs: number;
}

function commandOf({ data, tier }: ViewedRecord, argv: readonly string[]): CommandRun {
  const usage = objectOf(data['usage']);
  const micros = numberOf(usage['cpuMicros']) ?? (usage['userMicros'] === undefined ? undefined : (numberOf(usage['userMicros']) ?? 0) + (numberOf(usage['systemMicros']) ?? 0));
  return {
    argv,
    ending: textOf(data['ending']) ?? '?',
    tier,
    ...defined({
      exitCode: numberOf(data['exitCode']),
      signalName: textOf(data['signalName']),
      reason: textOf(data['reason']),
      durationMs: numberOf(data['durationMs']),
      cpuMs: micros === undefined ? undefined : micros / 1000,
      memoryPeakBytes: numberOf(usage['memoryPeakBytes']),
      residentPeakBytes: numberOf(usage['maxRssBytes']),
      processesPeak: numberOf(usage['pidsPeak']),
    }),
  };
}

/** By the number that a cell of several commands gives each; without one, by their order. */
function pairing(records: readonly ViewedRecord[]): (record: ViewedRecord, at: number) => ViewedRecord | undefined {
  const byNumber = new Map(records.map((record) => [numberOf(record.data['command']), record]));
  return ({ data }, at) => {
    const number = numberOf(data['command']);
    return number === undefined ? records[at] : byNumber.get(number);
  };
}

/** In the order of their ends. Each carries the number its cell gave it, so that the words of a command are found however many run at once. */
export function commandsOf(facts: RunFacts): readonly CommandRun[] {
  const completedOf = pairing(facts.all('commandCompleted'));
  const planned = textsOf(facts.data('planEffective')['argv']);
  return facts.all('processExited').map((exit, at) => {
    const argv = textsOf(completedOf(exit, at)?.data['argv']);
    return commandOf(exit, argv.length > 0 ? argv : planned);
  });
}

/** The largest of a counter over all commands; undefined as soon as one of them has none. */
export function peakOfCommands(commands: readonly CommandRun[], counter: 'memoryPeakBytes' | 'processesPeak'): number | undefined {
  const peaks = commands.map((command) => command[counter]);
  const known = peaks.filter((peak) => peak !== undefined);
  return known.length === 0 || known.length < peaks.length ? undefined : Math.max(...known);
}

/** ms since the first record that has a time; undefined when there is none. */
export function sinceStart(facts: RunFacts): (time: string | undefined) => number | undefined {
  const start = Date.parse(facts.first('genesis')?.time ?? facts.timeline.items.find(({ time }) => time !== '')?.time ?? '');
  return (time) => {
    const at = Date.parse(time ?? '') - start;
    return Number.isNaN(at) ? undefined : Math.max(0, at);
  };
}

function laneOf(name: string, kind: Lane['kind'], fromMs: number | undefined, toMs: number | undefined, marks: readonly Mark[] = []): Lane[] {
  if (fromMs === undefined) return [];
  return [{ name, kind, fromMs, ...(toMs === undefined ? {} : { toMs: Math.max(fromMs, toMs) }), marks: marks.slice(0, MARKS_MAX) }];
}

/** What there was, from when to when, for a picture. */
export function lanesOf(facts: RunFacts): Lanes {
  const since = sinceStart(facts);
  const at = (name: keyof typeof EVENTS): number | undefined => since(facts.first(name)?.time);
  const gone = at('teardownCertificate') ?? at('destroyed');
  const exitOf = pairing(facts.all('processExited'));
  const spawned = facts.all('processSpawned');
  const commandLanes = spawned.flatMap((spawn, i) => {
    const exit = exitOf(spawn, i);
    const name = `command ${spawned.length === 1 ? '' : `${i + 1} `}${textOf(spawn.data['program']) ?? ''}`.trim();
    return laneOf(name, 'command', since(spawn.time), since(exit?.time)).map((lane): Lane => ({ ...lane, ...defined({ tookMs: numberOf(exit?.data['durationMs']) }) }));
  });
  const secretLanes = facts.secrets.list.flatMap(({ ref, steps, end }) => {
    const marks = steps.flatMap(({ state, time }) => {
      const ms = since(time);
      return ms === undefined ? [] : [{ atMs: ms, what: state }];
    });
    return laneOf(`secret ${ref}`, 'secret', marks[0]?.atMs, end === undefined ? undefined : marks.at(-1)?.atMs, marks);
  });
  const exported = [...facts.all('exportCompleted'), ...facts.all('exportFailed')].flatMap(({ time, data, type }) => {
    const ms = since(time);
    return ms === undefined ? [] : [{ atMs: ms, what: `${textOf(data['artifactName']) ?? '?'} ${type === EVENTS.exportFailed.type ? 'failed' : 'exported'}` }];
  });
  const exportLane = exported.length === 0 ? [] : laneOf('exports', 'export', exported[0]?.atMs, exported.at(-1)?.atMs, exported);
  const all = [...laneOf('run', 'run', at('genesis'), at('sealed')), ...laneOf('cell', 'cell', at('started'), gone), ...commandLanes, ...secretLanes, ...exportLane];
  const times = facts.timeline.items.map(({ time }) => since(time) ?? 0);
  const lengthMs = times.reduce((most, ms) => Math.max(most, ms), all.reduce((most, lane) => Math.max(most, lane.toMs ?? lane.fromMs), 0));
  return { lanes: all.slice(0, LANES_MAX), more: Math.max(0, all.length - LANES_MAX), lengthMs };
}

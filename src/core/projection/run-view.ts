/**
 * Folds the records of a run into what a list shows of it. The fold works on any subset of the records, in order: `ps` gives it the first
 * few and the last few only.
 */
import { isJsonArray, isJsonObject, type JsonValue } from '../../base/json.ts';
import { EVENTS } from '../events/catalogue.ts';
import type { ViewedRecord } from './viewed-record.ts';

export interface RunView {
  readonly records: number;
  /** RFC 3339 time of the genesis. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly specId?: string;
  readonly argv?: readonly string[];
  /** exited, signalled, timed-out … */
  readonly ending?: string;
  readonly exitCode?: number;
  readonly signalName?: string;
  readonly reason?: string;
  /** Names of limits that took effect. */
  readonly limits: readonly string[];
  readonly downgrades: readonly string[];
  readonly residue?: number;
}

export const EMPTY_VIEW: RunView = { records: 0, limits: [], downgrades: [] };

function texts(value: JsonValue | undefined): string[] | undefined {
  return isJsonArray(value) ? value.filter((item): item is string => typeof item === 'string') : undefined;
}

/** `message` of each violation of a refusal. */
function reasonsIn(violations: JsonValue | undefined): string | undefined {
  return isJsonArray(violations) ? violations.map((violation) => (isJsonObject(violation) ? String(violation['message']) : '?')).join('; ') : undefined;
}

type Patch = { -readonly [K in keyof RunView]?: RunView[K] | undefined };

const textIn = (record: ViewedRecord, key: string): string | undefined => {
  const value = record.data[key];
  return typeof value === 'string' ? value : undefined;
};
const numberIn = (record: ViewedRecord, key: string): number | undefined => {
  const value = record.data[key];
  return typeof value === 'number' ? value : undefined;
};

function patchOf(view: RunView, record: ViewedRecord): Patch {
  switch (record.type) {
    case EVENTS.genesis.type:
      return { startedAt: record.time, specId: textIn(record, 'specId') };
    case EVENTS.planEffective.type:
      return { argv: texts(record.data['argv']) ?? view.argv, downgrades: texts(record.data['downgrades']) ?? [] };
    case EVENTS.admissionRefused.type:
      return { argv: texts(record.data['argv']), reason: reasonsIn(record.data['violations']) };
    case EVENTS.planRefused.type:
      return { argv: texts(record.data['argv']), reason: `not available here: ${(texts(record.data['missing']) ?? []).join(', ')}` };
    case EVENTS.processSpawned.type:
      return view.argv === undefined || view.argv.length === 0 ? { argv: [textIn(record, 'program') ?? '?'] } : {};
    case EVENTS.processExited.type:
      return { ending: textIn(record, 'ending'), signalName: textIn(record, 'signalName'), reason: textIn(record, 'reason') };
    case EVENTS.commandCompleted.type:
      return { argv: texts(record.data['argv']) ?? view.argv, exitCode: numberIn(record, 'exitCode') };
    case EVENTS.limitReached.type:
      return { limits: [...new Set([...view.limits, textIn(record, 'limit') ?? '?'])] };
    case EVENTS.teardownCertificate.type:
      return { residue: numberIn(record, 'residue') };
    case EVENTS.destroyed.type:
      return { reason: view.reason ?? textIn(record, 'reason') };
    case EVENTS.sealed.type:
      return { endedAt: record.time, ending: textIn(record, 'outcome') ?? view.ending, exitCode: numberIn(record, 'exitCode') ?? view.exitCode };
    default:
      return {};
  }
}

/** Pure; an unknown type changes the count only. */
export function applyRecord(view: RunView, record: ViewedRecord): RunView {
  const next: Record<string, unknown> = { ...view, records: Math.max(view.records, record.seq + 1) };
  for (const [key, value] of Object.entries(patchOf(view, record))) if (value !== undefined) next[key] = value;
  return next as unknown as RunView;
}

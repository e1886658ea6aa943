/**
 * Folds all records of one run into what `show` says of it: asked and enforced, processes, limits, secrets, exports, the certificate.
 *
 *   RD1  bounded: each list keeps its first entries up to a limit and counts the rest.
 */
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { EVENTS } from '../events/catalogue.ts';
import { applyRecord, EMPTY_VIEW, type RunView } from './run-view.ts';
import type { ViewedRecord } from './viewed-record.ts';

/** Entries kept of each list but the timeline. */
const LIST_MAX = 1_000;

export interface Kept<T> {
  readonly items: readonly T[];
  /** How many more there are. */
  readonly more: number;
}

export interface SecretLife {
  readonly ref: string;
  readonly broker: string;
  /** States in order, each once in a row: minted, used, revoked … */
  readonly states: readonly string[];
  readonly uses: number;
}

export interface RunDetail {
  readonly view: RunView;
  readonly genesis: JsonObject;
  /** Items of the plan as recorded before the first instruction. */
  readonly plan: readonly JsonObject[];
  /** `data` of each end of a process, of each limit, of each export done or failed. */
  readonly processes: Kept<JsonObject>;
  readonly limits: Kept<JsonObject>;
  readonly exports: Kept<JsonObject>;
  readonly secrets: readonly SecretLife[];
  readonly output: readonly JsonObject[];
  readonly certificate: readonly JsonObject[];
  readonly timeline: Kept<ViewedRecord>;
}

const NOTHING: Kept<never> = { items: [], more: 0 };
const NO_DATA: JsonObject = jsonObject({});

export const EMPTY_DETAIL: RunDetail = { view: EMPTY_VIEW, genesis: NO_DATA, plan: [], processes: NOTHING, limits: NOTHING, exports: NOTHING, secrets: [], output: [], certificate: [], timeline: NOTHING };

function objects(value: JsonValue | undefined): JsonObject[] {
  return isJsonArray(value) ? value.filter((item): item is JsonObject => isJsonObject(item)) : [];
}

function keep<T>(kept: Kept<T>, item: T, max: number): Kept<T> {
  return kept.items.length < max ? { items: [...kept.items, item], more: kept.more } : { items: kept.items, more: kept.more + 1 }; // RD1
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '?';
}

function leaseStep(secrets: readonly SecretLife[], data: JsonObject): readonly SecretLife[] {
  const ref = textOf(data['ref']);
  const state = textOf(data['state']);
  const known = secrets.find((secret) => secret.ref === ref);
  const uses = typeof data['uses'] === 'number' ? data['uses'] : (known?.uses ?? 0);
  if (known === undefined) return secrets.length < LIST_MAX ? [...secrets, { ref, broker: textOf(data['broker']), states: [state], uses }] : secrets;
  const states = known.states.at(-1) === state || known.states.length >= LIST_MAX ? known.states : [...known.states, state];
  return secrets.map((secret) => (secret === known ? { ...known, states, uses } : secret));
}

function patchOf(detail: RunDetail, { type, data }: ViewedRecord): Partial<RunDetail> {
  switch (type) {
    case EVENTS.genesis.type:
      return { genesis: data };
    case EVENTS.planEffective.type:
    case EVENTS.planRefused.type:
      return { plan: objects(data['items']) };
    case EVENTS.processExited.type:
      return { processes: keep(detail.processes, data, LIST_MAX) };
    case EVENTS.limitReached.type:
      return { limits: keep(detail.limits, data, LIST_MAX) };
    case EVENTS.exportCompleted.type:
    case EVENTS.exportFailed.type:
      return { exports: keep(detail.exports, data, LIST_MAX) };
    case EVENTS.secretLease.type:
      return { secrets: leaseStep(detail.secrets, data) };
    case EVENTS.outputCaptured.type:
      return { output: objects(data['streams']) };
    case EVENTS.teardownCertificate.type:
      return { certificate: objects(data['lines']) };
    default:
      return {};
  }
}

/** Pure. @param timelineMax events kept for the timeline */
export function applyToDetail(detail: RunDetail, record: ViewedRecord, timelineMax: number): RunDetail {
  return { ...detail, view: applyRecord(detail.view, record), timeline: keep(detail.timeline, record, timelineMax), ...patchOf(detail, record) };
}

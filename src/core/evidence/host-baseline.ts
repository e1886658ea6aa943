/**
 * The attestation of which controls a host provides (reference/02 §11).
 *
 *   A1  `verifyHostBaseline` gives the reference's verdict: neither type nor `allSatisfied` is checked;
 *   A2  ours adds both, and a host and a time inside the event: the reference's one constant id says of which host, and when, nothing.
 */
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { EVENTS } from '../events/catalogue.ts';
import type { CloudEvent, SignedEventEnvelope } from '../events/envelope.ts';
import { verifyEnvelope } from '../signing/envelope.ts';

export interface HostControl {
  readonly name: string;
  readonly satisfied: boolean;
  readonly detail: string;
}

export interface HostBaseline {
  readonly schemaVersion: string;
  readonly probeMode: string;
  readonly controls: readonly HostControl[];
  readonly allSatisfied: boolean;
  /** Ours [A2]. */
  readonly host?: string;
}

export type HostBaselineRefusal = 'missing-data' | 'shape' | 'other-type' | 'inconsistent';

function refuse(reason: HostBaselineRefusal, message: string): never {
  throw new CellError('evidence.invalid', `Cannot accept a host baseline: ${message}`, { facts: { reason } });
}

/** @param at ours: host and time of the attestation; without it the event is the reference's, byte for byte */
export function hostBaselineEvent(baseline: HostBaseline, at?: { readonly host: string; readonly time: string }): CloudEvent {
  const { schemaVersion, probeMode, controls, allSatisfied } = baseline;
  const data = jsonObject({ schemaVersion, probeMode, controls: controls.map(({ name, satisfied, detail }) => jsonObject({ name, satisfied, detail })), allSatisfied, host: at?.host });
  const event: CloudEvent = { specversion: '1.0', id: 'host-baseline', source: 'cellos-supervisor', type: EVENTS.hostBaseline.type, datacontenttype: 'application/json', data };
  return at === undefined ? event : { ...event, id: `host-baseline-${at.host}-${at.time}`, time: at.time };
}

function member<T extends string | boolean>(object: JsonObject, key: string, type: 'string' | 'boolean'): T {
  const value = object[key];
  if (typeof value !== type) refuse('shape', `its ${key} is not a ${type}`);
  return value as T;
}

function controlOf(value: JsonValue): HostControl {
  if (!isJsonObject(value)) refuse('shape', 'a control is not an object');
  return { name: member(value, 'name', 'string'), satisfied: member(value, 'satisfied', 'boolean'), detail: member(value, 'detail', 'string') };
}

/** @throws CellError `evidence.invalid` with the fact `reason` */
export function parseHostBaseline(value: JsonValue): HostBaseline {
  if (!isJsonObject(value)) refuse('shape', 'its data is not an object');
  const { controls, host } = value;
  if (!isJsonArray(controls)) refuse('shape', 'its controls are not a list');
  return {
    schemaVersion: member(value, 'schemaVersion', 'string'),
    probeMode: member(value, 'probeMode', 'string'),
    controls: controls.map(controlOf),
    allSatisfied: member(value, 'allSatisfied', 'boolean'),
    ...(typeof host === 'string' ? { host } : {}),
  };
}

/** @param options.strict check type and `allSatisfied` too [A2]. @throws CellError `signature.invalid` | `evidence.invalid` */
export function verifyHostBaseline(envelope: SignedEventEnvelope, keys: ReadonlyMap<string, Bytes>, options: { strict?: boolean } = {}): HostBaseline {
  const event = verifyEnvelope(envelope, { ed25519: keys });
  if (event.data === undefined) refuse('missing-data', 'it has no data');
  const baseline = parseHostBaseline(event.data);
  if (options.strict === true) {
    if (event.type !== EVENTS.hostBaseline.type) refuse('other-type', `the event is of the type ${event.type}`);
    if (baseline.allSatisfied !== baseline.controls.every(({ satisfied }) => satisfied)) refuse('inconsistent', 'allSatisfied does not follow from its controls');
  }
  return baseline;
}

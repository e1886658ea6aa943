/**
 * Which controls of a catalogue the events of a period substantiate (reference/02 §12).
 *
 *   O1  the report is the reference's, byte for byte: whatever does not verify counts as tampering, and then no control is substantiated;
 *   O2  `unknownSigners` is ours, beside the report: how much of that is only somebody we do not know.
 */
import type { Bytes } from '../../base/bytes.ts';
import { compactText } from '../../base/canonical-json.ts';
import { CellError, isCellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import type { SignedEventEnvelope } from '../events/envelope.ts';
import { verifyEnvelope } from '../signing/envelope.ts';

export interface ControlEntry {
  readonly controlId: string;
  readonly status: string;
  readonly enforcementBinding: string;
  readonly codeSeams: readonly string[];
  readonly provingEventTypes: readonly string[];
  readonly provingTests: readonly string[];
  readonly narrative: string;
  readonly degradedBindingNote?: string;
}

function malformed(what: string): never {
  throw new CellError('document.invalid', `Cannot read the control catalogue: ${what}`);
}

function text(entry: JsonObject, key: string, fallback?: string): string {
  const value = entry[key];
  if (value === undefined && fallback !== undefined) return fallback;
  return typeof value === 'string' ? value : malformed(`the ${key} of an entry is ${value === undefined ? 'missing' : 'not a string'}`);
}

function texts(entry: JsonObject, key: string): string[] {
  const value = entry[key];
  if (value === undefined) return [];
  if (!isJsonArray(value)) malformed(`the ${key} of an entry is not a list`);
  return value.map((item) => (typeof item === 'string' ? item : malformed(`the ${key} of an entry holds something other than strings`)));
}

/** @throws CellError `document.invalid` */
export function parseControlCatalogue(value: JsonValue): ControlEntry[] {
  if (!isJsonArray(value)) malformed('it is not a list');
  return value.map((entry) => {
    if (!isJsonObject(entry)) malformed('an entry is not an object');
    const note = entry['degradedBindingNote'];
    return {
      controlId: text(entry, 'controlId'),
      status: text(entry, 'status'),
      enforcementBinding: text(entry, 'enforcementBinding', 'n/a'),
      codeSeams: texts(entry, 'codeSeams'),
      provingEventTypes: texts(entry, 'provingEventTypes'),
      provingTests: texts(entry, 'provingTests'),
      narrative: text(entry, 'narrative'),
      ...(note === undefined || note === null ? {} : { degradedBindingNote: text(entry, 'degradedBindingNote') }),
    };
  });
}

export interface ControlFinding {
  readonly controlId: string;
  readonly status: string;
  readonly substantiated: boolean;
  readonly observedEventTypes: readonly string[];
  readonly missingEventTypes: readonly string[];
}

export interface ControlRollup {
  readonly verifiedEventCount: number;
  readonly tamperFailureCount: number;
  readonly controls: readonly ControlFinding[];
  readonly allSubstantiated: boolean;
  /** Of the failures: events whose key we do not know [O2]. */
  readonly unknownSigners: number;
}

export function rollUpControls(catalogue: readonly ControlEntry[], events: readonly SignedEventEnvelope[], keys: ReadonlyMap<string, Bytes>): ControlRollup {
  const seen = new Set<string>();
  let verified = 0;
  let failed = 0;
  let unknownSigners = 0;
  for (const envelope of events) {
    try {
      seen.add(verifyEnvelope(envelope, { ed25519: keys }).type);
      verified += 1;
    } catch (error) {
      if (!isCellError(error, 'signature.invalid')) throw error;
      failed += 1;
      if (error.facts['reason'] === 'unknown-kid') unknownSigners += 1;
    }
  }
  const controls = catalogue.map((entry): ControlFinding => {
    const { controlId, status, provingEventTypes } = entry;
    if (status !== 'implemented') return { controlId, status, substantiated: true, observedEventTypes: [], missingEventTypes: [] };
    const missingEventTypes = provingEventTypes.filter((type) => !seen.has(type));
    const substantiated = failed === 0 && provingEventTypes.length > 0 && missingEventTypes.length === 0;
    return { controlId, status, substantiated, observedEventTypes: provingEventTypes.filter((type) => seen.has(type)), missingEventTypes };
  });
  return { verifiedEventCount: verified, tamperFailureCount: failed, controls, allSubstantiated: failed === 0 && controls.every(({ substantiated }) => substantiated), unknownSigners };
}

/** The reference's report [O1]. */
export function rollupText(rollup: ControlRollup): string {
  const controls = rollup.controls.map(({ controlId, status, substantiated, observedEventTypes, missingEventTypes }) => jsonObject({ controlId, status, substantiated, observedEventTypes, missingEventTypes }));
  return compactText(jsonObject({ verifiedEventCount: rollup.verifiedEventCount, tamperFailureCount: rollup.tamperFailureCount, controls, allSubstantiated: rollup.allSubstantiated }));
}

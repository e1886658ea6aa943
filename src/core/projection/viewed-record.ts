/**
 * A record as it is shown: read leniently, verified by nobody. What is shown from it is for people and lists; the audit is what proves it.
 *
 *   V1  never throws for what stands in a line: a line that is no record is `undefined`, and the caller says so.
 */
import type { Bytes } from '../../base/bytes.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { ignore } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';

export interface ViewedRecord {
  readonly seq: number;
  readonly tier: string;
  /** Empty when the envelope is withheld. */
  readonly type: string;
  /** Of the event; empty when it is withheld. */
  readonly id: string;
  /** RFC 3339, as the event says. */
  readonly time: string;
  readonly data: JsonObject;
  /** The key that is named as its signer; undefined when it is withheld. */
  readonly signerKid?: string;
  /** The event in its canonical form, byte for byte what was signed; undefined when withheld. */
  readonly eventText?: string;
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** @param line without its newline [V1] */
export function viewRecord(line: Bytes): ViewedRecord | undefined {
  try {
    return viewOf(parseJson(line));
  } catch (error) {
    ignore(error, 'shown as an unreadable line; the audit names it');
    return undefined;
  }
}

function viewOf(record: JsonValue): ViewedRecord | undefined {
  if (!isJsonObject(record) || typeof record['seq'] !== 'number') return undefined;
  const envelope = record['envelope'];
  const event = isJsonObject(envelope) ? envelope['event'] : undefined;
  const header = { seq: record['seq'], tier: text(record['tier']) };
  if (!isJsonObject(event)) return { ...header, type: '', id: '', time: '', data: jsonObject({}) };
  const { data } = event;
  const signer = isJsonObject(envelope) ? envelope['signerKid'] : undefined;
  return { ...header, ...(typeof signer === 'string' ? { signerKid: signer } : {}), type: text(event['type']), id: text(event['id']), time: text(event['time']), data: isJsonObject(data) ? data : jsonObject({}), eventText: canonicalText(event) };
}

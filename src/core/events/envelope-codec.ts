/** CloudEvent ⇄ JSON as the reference reads and writes it (reference/02 §2). Absent and null optional attributes are the same event. */
import { canonicalText, compactText } from '../../base/canonical-json.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { CEX_KEYS, type CexKey, type CloudEvent } from './envelope.ts';

/** All eight attributes, `null` where absent, then the cex keys that are set: declaration order. */
export function eventToJson(event: CloudEvent): JsonObject {
  const members: Record<string, JsonValue | undefined> = {
    specversion: event.specversion,
    id: event.id,
    source: event.source,
    type: event.type,
    datacontenttype: event.datacontenttype ?? null,
    data: event.data ?? null,
    time: event.time ?? null,
    traceparent: event.traceparent ?? null,
  };
  for (const key of CEX_KEYS) members[key] = event.cex?.[key];
  return jsonObject(members);
}

export function eventText(event: CloudEvent): string {
  return compactText(sortedData(eventToJson(event)));
}

/** The reference keeps dynamic values in sorted maps, so `data` is always written sorted. */
function sortedData(event: JsonObject): JsonObject {
  return jsonObject({ ...event, data: sortKeys(event['data'] ?? null) });
}

export function sortKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  const entries = Object.keys(value).sort((a, b) => (canonicalText(a) < canonicalText(b) ? -1 : 1));
  return jsonObject(Object.fromEntries(entries.map((key) => [key, sortKeys(value[key] ?? null)])));
}

/** What is signed. */
export function canonicalEventText(event: CloudEvent): string {
  return canonicalText(eventToJson(event));
}

function requiredText(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value !== 'string') throw new CellError('event.invalid', `Cannot read an event: its ${key} is ${value === undefined ? 'missing' : 'not a string'}`, { facts: { key } });
  return value;
}

function optionalText(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new CellError('event.invalid', `Cannot read an event: its ${key} is not a string`, { facts: { key } });
  return value;
}

/** @throws CellError `event.invalid`. Unknown attributes are dropped, as the reference drops them: no signature ever covered one. */
export function parseCloudEvent(value: JsonValue): CloudEvent {
  if (!isJsonObject(value)) throw new CellError('event.invalid', 'Cannot read an event: it is not an object');
  const cex: Partial<Record<CexKey, string>> = {};
  let whole = true;
  for (const key of CEX_KEYS) {
    const member = value[key];
    if (member === undefined || member === null) continue;
    if (typeof member === 'string') cex[key] = member;
    else whole = false; // one bad member drops the group (reference/02 §2)
  }
  const optional = { datacontenttype: optionalText(value, 'datacontenttype'), time: optionalText(value, 'time'), traceparent: optionalText(value, 'traceparent') };
  const data = value['data'];
  return {
    specversion: requiredText(value, 'specversion'),
    id: requiredText(value, 'id'),
    source: requiredText(value, 'source'),
    type: requiredText(value, 'type'),
    ...Object.fromEntries(Object.entries(optional).filter(([, text]) => text !== undefined)),
    ...(data === undefined || data === null ? {} : { data }),
    ...(whole && Object.keys(cex).length > 0 ? { cex } : {}),
  };
}

/** CloudEvent ⇄ JSON as the reference reads and writes it (reference/02 §2). Absent and null optional attributes are the same event. */
import { canonicalText, stringText } from '../../base/canonical-json.ts';
import type { Bytes } from '../../base/bytes.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { type FloatReading, parseTypedJson } from '../../base/typed-json.ts';
import { CEX_KEYS, type CexKey, type CloudEvent } from './envelope.ts';

const orNull = (text: string | undefined): string => (text === undefined ? 'null' : stringText(text));

/** As it travels: all eight attributes in declaration order, `null` where absent, then the cex keys that are set. `data` is sorted, as the reference's maps are. */
export function eventText(event: CloudEvent): string {
  let out = `{"specversion":${stringText(event.specversion)},"id":${stringText(event.id)},"source":${stringText(event.source)},"type":${stringText(event.type)}`;
  out += `,"datacontenttype":${orNull(event.datacontenttype)},"data":${canonicalText(event.data ?? null)},"time":${orNull(event.time)},"traceparent":${orNull(event.traceparent)}`;
  for (const key of CEX_KEYS) {
    const value = event.cex?.[key];
    if (value !== undefined) out += `,"${key}":${stringText(value)}`;
  }
  return `${out}}`;
}

/** All cex keys sort before the other attributes. */
const SORTED_CEX_KEYS = CEX_KEYS.toSorted();

/** What is signed: the canonical form of {@link eventToJson}, written without making it. */
export function canonicalEventText(event: CloudEvent): string {
  let out = '{';
  for (const key of SORTED_CEX_KEYS) {
    const value = event.cex?.[key];
    if (value !== undefined) out += `"${key}":${stringText(value)},`;
  }
  out += `"data":${canonicalText(event.data ?? null)},"datacontenttype":${orNull(event.datacontenttype)},"id":${stringText(event.id)},"source":${stringText(event.source)}`;
  return `${out},"specversion":${stringText(event.specversion)},"time":${orNull(event.time)},"traceparent":${orNull(event.traceparent)},"type":${stringText(event.type)}}`;
}

/** The event as a JSON value: a member of an envelope, the data of a wrapper. */
export function eventToJson(event: CloudEvent): JsonObject {
  return jsonObject({
    specversion: event.specversion,
    id: event.id,
    source: event.source,
    type: event.type,
    datacontenttype: event.datacontenttype ?? null,
    data: event.data ?? null,
    time: event.time ?? null,
    traceparent: event.traceparent ?? null,
    ...event.cex,
  });
}

/** The attributes the reference's type declares; a repeated one is refused. */
export const EVENT_ATTRIBUTES: ReadonlySet<string> = new Set(['specversion', 'id', 'source', 'type', 'datacontenttype', 'data', 'time', 'traceparent']);

/** @throws CellError `json.invalid` | `event.invalid` */
export function parseEventText(input: Bytes | string, floats?: FloatReading): CloudEvent {
  return parseCloudEvent(parseTypedJson(input, { own: EVENT_ATTRIBUTES }, floats));
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

/**
 * Blanks members of an event's data, by name or by the type of the event, before it is signed: what was taken out cannot be put back, and the
 * signature covers what is left (reference/02 §8.1). Envelope attributes are never touched.
 *
 *   RX1  of our own runs, what proves them is never blanked: which run and document, the digests, count and head of the chain, how it ended.
 */
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { CellError } from '../../base/errors.ts';
import { EVENTS, typesNamed } from './catalogue.ts';
import type { CloudEvent } from './envelope.ts';

const REDACTED = '[redacted]';
const DEFAULTS = ['argv', 'path', 'reason'] as const;
/** Members that can hold host paths, program names or messages and that `defaults` misses. */
const WIDE = [...DEFAULTS, 'destination', 'destinationRelative', 'manifestPath', 'message', 'program', 'sourcePath', 'spawnError'] as const;

/** @param setting `CELLOS_REDACT_EVENT_FIELDS`: `defaults`, ours `wide`, or a list of names. @returns the names; empty when off */
export function parseRedactFields(setting: string | undefined): ReadonlySet<string> {
  const trimmed = setting?.trim() ?? '';
  if (trimmed.toLowerCase() === 'defaults') return new Set(DEFAULTS);
  if (trimmed.toLowerCase() === 'wide') return new Set(WIDE);
  return new Set(trimmed.split(',').map((name) => name.trim()).filter((name) => name !== ''));
}

function blank(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return [REDACTED];
  return isJsonObject(value) ? jsonObject({}) : REDACTED;
}

/** The same value with every member of these names blanked, at any depth. Names are compared exactly. */
export function redactFields(value: JsonValue, names: ReadonlySet<string>): JsonValue {
  if (names.size === 0) return value;
  if (isJsonArray(value)) return value.map((item) => redactFields(item, names));
  if (!isJsonObject(value)) return value;
  return jsonObject(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, names.has(key) ? blank(member) : redactFields(member, names)])) as JsonObject);
}

export function redactEvent(event: CloudEvent, names: ReadonlySet<string>): CloudEvent {
  return event.data === undefined ? event : { ...event, data: redactFields(event.data, names) };
}

/** What of a run's events is blanked. */
export interface Redaction {
  /** In events of every type. */
  readonly fields: ReadonlySet<string>;
  /** In events of one type besides; `all`: everything but RX1. */
  readonly byType: ReadonlyMap<string, ReadonlySet<string> | 'all'>;
  /** As it was asked for, item by item: written into the evidence. */
  readonly asked: readonly string[];
}

/** [RX1] */
const PROVING = new Set(['runId', 'cellId', 'specId', 'v', 'specHash', 'canonicalSpecHash', 'planDigest', 'keysetDigest', 'policyDigest', 'redacted', 'salted', 'count', 'head', 'outcome', 'gaps', 'unchecked']);
/** The first and the last record are what a run is proved by. */
const WHOLE: ReadonlySet<string> = new Set([EVENTS.genesis.type, EVENTS.sealed.type]);

function refuse(item: string, why: string): never {
  throw new CellError('usage.invalid', `Cannot redact ${JSON.stringify(item)}: ${why}`, { facts: { item } });
}

function checkField(item: string, field: string): void {
  if (PROVING.has(field)) refuse(item, `${field} is part of what proves a run`);
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(field)) refuse(item, 'write a member of events, as in argv; of one type only, as in command.completed:argv; or all of a type, as in file.touched:*');
}

/**
 * @param texts each `defaults`, `wide`, or a list of `FIELD`, `TYPE:FIELD`, `TYPE:*` with commas between
 * @throws CellError `usage.invalid` for what no event has, or what proves a run [RX1]
 */
export function parseRedaction(texts: readonly string[]): Redaction {
  const fields = new Set<string>();
  const byType = new Map<string, Set<string> | 'all'>();
  const asked = texts.flatMap((text) => text.split(',')).map((item) => item.trim()).filter((item) => item !== '');
  for (const item of asked) {
    const colon = item.lastIndexOf(':');
    if (item === 'defaults' || item === 'wide') {
      for (const field of parseRedactFields(item)) fields.add(field);
    } else if (colon < 0) {
      checkField(item, item);
      fields.add(item);
    } else {
      const [name, field] = [item.slice(0, colon), item.slice(colon + 1)];
      const types = typesNamed(name);
      if (types.length === 0) refuse(item, `no event is called ${name}; docs/events.md lists them`);
      if (field !== '*') checkField(item, field);
      for (const type of types) {
        const known = byType.get(type);
        if (field === '*') byType.set(type, 'all');
        else if (known !== 'all') byType.set(type, new Set([...(known ?? []), field]));
      }
    }
  }
  return { fields, byType, asked };
}

/** Data of one event, before it is signed. */
export function redactData(type: string, data: JsonObject, redaction: Redaction): JsonObject {
  if (redaction.asked.length === 0) return data;
  const own = redaction.byType.get(type);
  const all = own === 'all' && !WHOLE.has(type);
  const names = own === undefined || own === 'all' ? redaction.fields : new Set([...redaction.fields, ...own]);
  return jsonObject(Object.fromEntries(Object.entries(data).map(([key, member]) => {
    if (PROVING.has(key)) return [key, member];
    return [key, all || names.has(key) ? blank(member) : redactFields(member, names)];
  })));
}

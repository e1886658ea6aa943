/**
 * Blanks members of an event's data by name, before it is signed: what was taken out cannot be put back, and the signature covers what is left
 * (reference/02 §8.1). Envelope attributes are never touched.
 */
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
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

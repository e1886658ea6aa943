/** A document as read from bytes, before it has a type: the value, what was doubtful in the text, and where things stand in it. */
import type { Bytes } from '../../base/bytes.ts';
import type { JsonObject, JsonValue } from '../../base/json.ts';
import { jsonLocator, type JsonPosition, parseJson } from '../../base/json-parse.ts';
import type { PathSegment } from '../../base/json-path.ts';

export interface RepeatedKey {
  readonly object: JsonObject;
  readonly key: string;
  readonly offset: number;
}

export interface DocumentSource {
  readonly value: JsonValue;
  /** Keys given more than once; the last value was kept. */
  readonly repeated: readonly RepeatedKey[];
  /** Was a value skipped for its depth? `BEYOND_DEPTH` stands in its place. */
  readonly tooDeep: boolean;
  /** Where a value, or the key it stands under, begins; what is not there is found at its nearest parent. */
  locate(path: readonly PathSegment[], what: 'key' | 'value'): JsonPosition;
  locateOffset(offset: number): JsonPosition;
}

/** @throws CellError `json.invalid` | `yaml.invalid`, with the facts `line`, `column` and `reason` */
export type DocumentReader = (bytes: Bytes) => DocumentSource;

export const readJsonSource: DocumentReader = (bytes) => {
  const repeated: RepeatedKey[] = [];
  let tooDeep = false;
  const value = parseJson(bytes, {
    duplicates: 'last',
    onDuplicate: (object, key, offset) => void repeated.push({ object, key, offset }),
    onTooDeep: () => {
      tooDeep = true;
    },
  });
  const locator = jsonLocator(bytes);
  return { value, repeated, tooDeep, locate: locator.at, locateOffset: locator.offset };
};

/** Does the text look like JSON? Its first character that is no space decides; what it does not say is YAML. */
export function sniffFormat(bytes: Bytes): 'json' | 'yaml' {
  for (const byte of bytes) {
    if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) continue;
    return byte === 0x7b || byte === 0x5b ? 'json' : 'yaml';
  }
  return 'json';
}

/** @returns undefined when no key was given more than once */
export function isRepeatedIn(source: DocumentSource): ((object: JsonObject, key: string) => boolean) | undefined {
  if (source.repeated.length === 0) return undefined;
  const keys = new Map<JsonObject, Set<string>>();
  for (const { object, key } of source.repeated) {
    const known = keys.get(object);
    if (known === undefined) keys.set(object, new Set([key]));
    else known.add(key);
  }
  return (object, key) => keys.get(object)?.has(key) === true;
}

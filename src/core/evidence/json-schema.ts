/**
 * A small part of JSON Schema (draft 2020-12): what a control catalogue's schema needs. The schema is a file of our own, not hostile.
 *
 *   J1  a keyword that is not known here is refused, never passed over: a check that is not made must not look made.
 */
import { canonicalText } from '../../base/canonical-json.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonInteger, isJsonObject, JsonFloat, type JsonObject, type JsonValue } from '../../base/json.ts';

export interface SchemaViolation {
  /** JSON pointer into the value. */
  readonly pointer: string;
  readonly message: string;
}

type Check = (value: JsonValue, pointer: string, into: SchemaViolation[]) => void;

function unusable(why: string): never {
  throw new CellError('document.invalid', `Cannot use the schema: ${why}`, { facts: { reason: 'schema' } });
}

const isNumber = (value: JsonValue): value is number | bigint | JsonFloat => isJsonInteger(value) || value instanceof JsonFloat;
const TYPES: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  null: (value) => value === null,
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  integer: (value) => isJsonInteger(value) || (value instanceof JsonFloat && Number.isInteger(value.value)),
  number: isNumber,
  array: isJsonArray,
  object: isJsonObject,
};

const ANNOTATIONS: ReadonlySet<string> = new Set(['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples']);

const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
const lengthOf = (text: string): number => [...text].length;

function textsOf(value: JsonValue, keyword: string): readonly string[] {
  if (!isJsonArray(value) || !value.every((item) => typeof item === 'string')) unusable(`${keyword} is not a list of texts`);
  return value;
}

function count(value: JsonValue, keyword: string): number {
  return typeof value === 'number' && value >= 0 ? value : unusable(`${keyword} is not a number from 0`);
}

function patternOf(value: JsonValue): RegExp {
  if (typeof value !== 'string') unusable('pattern is not a text');
  try {
    return new RegExp(value, 'u');
  } catch (error) {
    throw new CellError('document.invalid', 'Cannot use the schema: a pattern is no regular expression', { cause: error, facts: { reason: 'schema' } });
  }
}

/** A keyword that is about texts, lists and so on: other values are not its business. */
function when<T extends JsonValue>(is: (value: JsonValue) => value is T, holds: (value: T) => boolean, message: string): Check {
  return (value, pointer, into) => {
    if (is(value) && !holds(value)) into.push({ pointer, message });
  };
}
const isText = (value: JsonValue): value is string => typeof value === 'string';

function propertiesCheck(value: JsonValue): Check {
  if (!isJsonObject(value)) unusable('properties is not an object');
  const checks = Object.entries(value).map(([key, schema]) => [key, compileSchema(schema)] as const);
  return (object, pointer, into) => {
    if (!isJsonObject(object)) return;
    for (const [key, check] of checks) if (object[key] !== undefined) check(object[key], `${pointer}/${escaped(key)}`, into);
  };
}

function surplusCheck(schema: JsonValue, { properties }: JsonObject): Check {
  const known = isJsonObject(properties) ? properties : {};
  const check = compileSchema(schema);
  return (object, pointer, into) => {
    if (!isJsonObject(object)) return;
    for (const key of Object.keys(object)) if (!Object.hasOwn(known, key)) check(object[key] as JsonValue, `${pointer}/${escaped(key)}`, into);
  };
}

function requiredCheck(value: JsonValue): Check {
  const keys = textsOf(value, 'required');
  return (object, pointer, into) => {
    if (isJsonObject(object)) for (const key of keys) if (object[key] === undefined) into.push({ pointer, message: `has no ${key}` });
  };
}

function itemsCheck(schema: JsonValue): Check {
  const check = compileSchema(schema);
  return (list, pointer, into) => {
    if (isJsonArray(list)) for (const [i, item] of list.entries()) check(item, `${pointer}/${i}`, into);
  };
}

function enumCheck(value: JsonValue): Check {
  if (!isJsonArray(value)) unusable('enum is not a list');
  const known = new Set(value.map((item) => canonicalText(item)));
  return (one, pointer, into) => {
    if (!known.has(canonicalText(one))) into.push({ pointer, message: `is none of ${[...known].join(', ')}` });
  };
}

function typeCheck(value: JsonValue): Check {
  const names = typeof value === 'string' ? [value] : textsOf(value, 'type');
  const tests = names.map((name) => (Object.hasOwn(TYPES, name) ? TYPES[name] : undefined) ?? unusable(`there is no type ${name}`));
  return (one, pointer, into) => {
    if (!tests.some((test) => test(one))) into.push({ pointer, message: `is not of type ${names.join(' or ')}` });
  };
}

const KEYWORDS: Readonly<Record<string, (value: JsonValue, schema: JsonObject) => Check>> = {
  type: typeCheck,
  enum: enumCheck,
  const: (value) => enumCheck([value]),
  properties: propertiesCheck,
  additionalProperties: surplusCheck,
  required: requiredCheck,
  items: itemsCheck,
  pattern: (value) => {
    const pattern = patternOf(value);
    return when(isText, (text) => pattern.test(text), `does not match ${pattern.source}`);
  },
  minLength: (value) => when(isText, (text) => lengthOf(text) >= count(value, 'minLength'), `is shorter than ${count(value, 'minLength')} characters`),
  maxLength: (value) => when(isText, (text) => lengthOf(text) <= count(value, 'maxLength'), `is longer than ${count(value, 'maxLength')} characters`),
  minItems: (value) => when(isJsonArray, (list) => list.length >= count(value, 'minItems'), `has less than ${count(value, 'minItems')} items`),
  maxItems: (value) => when(isJsonArray, (list) => list.length <= count(value, 'maxItems'), `has more than ${count(value, 'maxItems')} items`),
  uniqueItems: (value) => when(isJsonArray, (list) => value !== true || new Set(list.map((item) => canonicalText(item))).size === list.length, 'has an item twice'),
};

/** Makes a schema ready. @throws CellError `document.invalid`, its fact `reason` `schema`, for one that cannot be kept to the letter [J1] */
export function compileSchema(schema: JsonValue): Check {
  if (schema === true) return () => undefined;
  if (schema === false) return (_value, pointer, into) => void into.push({ pointer, message: 'is not allowed' });
  if (!isJsonObject(schema)) unusable('it is neither an object nor true or false');
  const checks = Object.entries(schema).flatMap(([keyword, value]) => {
    if (ANNOTATIONS.has(keyword)) return [];
    const make = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    return [make === undefined ? unusable(`the keyword ${keyword} is not known here`) : make(value, schema)];
  });
  return (value, pointer, into) => {
    for (const check of checks) check(value, pointer, into);
  };
}

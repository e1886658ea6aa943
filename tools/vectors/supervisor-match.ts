/** Values of a transcript against ours: `<uuid:1>` and its like stand for what changes from run to run, and the same name for the same value. */
import assert from 'node:assert/strict';
import { canonicalText } from '../../src/base/canonical-json.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../../src/base/json.ts';
import { sameRunText } from './supervisor-rules.ts';

const FORMS: Readonly<Record<string, string>> = {
  uuid: '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
  ulid: '[0-9A-HJKMNP-TV-Z]{26}',
  hash: '[0-9a-f]{64}',
  time: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{3}|\\.\\d{6}|\\.\\d{9})?(?:Z|\\+00:00)',
  ms: '\\d+',
  millis: '\\d+',
  pid: '\\d+',
  port: '\\d+',
  caps: '[0-9a-f]{16}',
  sig: '[A-Za-z0-9_-]{43}(?:[A-Za-z0-9_-]{43})?',
  tmp: '[A-Za-z0-9]{6}',
  'host-bool': '(?:true|false)',
};

const PLACEHOLDER = /<([a-z-]+)(?::(\d+))?>/g;
/** Members whose texts are worded by each program. */
const WORDED: ReadonlySet<string> = new Set(['reason', 'spawnError', 'remediation', 'error']);

/** Reasons that are words of the contract, not sentences. */
const isSentence = (text: string): boolean => /[ :]/.test(text);

export class Bindings {
  readonly #values = new Map<string, string>();

  /** `actual` has to be `expected` with each placeholder filled in. */
  text(actual: string, expected: string): void {
    const names: string[] = [];
    let pattern = '';
    let at = 0;
    for (const match of expected.matchAll(PLACEHOLDER)) {
      const [whole, kind = '', number] = match;
      const form = FORMS[kind];
      if (form === undefined) continue;
      pattern += `${expected.slice(at, match.index).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(${form})`;
      names.push(number === undefined ? '' : whole);
      at = match.index + whole.length;
    }
    pattern += expected.slice(at).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const found = new RegExp(`^${pattern}$`, 's').exec(actual);
    assert.ok(found !== null, `${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
    for (const [index, name] of names.entries()) if (name !== '') this.#bind(name, found[index + 1] ?? '');
  }

  #bind(name: string, value: string): void {
    const known = this.#values.get(name);
    if (known !== undefined) assert.equal(value, known, `${name} stands for two values`);
    else {
      for (const [other, taken] of this.#values) assert.ok(taken !== value, `${name} is the same as ${other}`);
      this.#values.set(name, value);
    }
  }

  /** @param key the member both are the value of */
  json(actual: JsonValue | undefined, expected: JsonValue | undefined, path: string, key = ''): void {
    try {
      if (typeof expected === 'string') this.#leaf(actual, expected, key);
      else if (isJsonArray(expected)) {
        assert.ok(isJsonArray(actual), 'not a list');
        assert.equal(actual.length, expected.length, 'another length');
      } else if (isJsonObject(expected)) {
        assert.ok(isJsonObject(actual), 'not an object');
        assert.deepEqual(Object.keys(actual), Object.keys(expected), 'other members, or in another order');
      } else assert.equal(canonicalText(actual ?? null), canonicalText(expected ?? null));
    } catch (error) {
      throw new Error(`${path}: ${(error as Error).message}`);
    }
    if (isJsonArray(expected)) for (const [index, one] of expected.entries()) this.json((actual as JsonValue[])[index], one, `${path}[${index}]`);
    else if (isJsonObject(expected)) for (const [name, one] of Object.entries(expected)) this.json((actual as { [name: string]: JsonValue })[name], one, `${path}.${name}`, name);
  }

  #leaf(actual: JsonValue | undefined, expected: string, key: string): void {
    // What it says in a word stands beside it, and has to be the same: `reason`, `rule`.
    if (key === 'message') assert.ok(typeof actual === 'string' && actual !== '', 'no message');
    else if (WORDED.has(key) && isSentence(expected)) sameRunText(String(actual), expected);
    else this.text(typeof actual === 'string' ? actual : canonicalText(actual ?? null), expected);
  }
}

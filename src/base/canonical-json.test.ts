import { readdirSync, readFileSync } from 'node:fs';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from './bytes.ts';
import { isCellError } from './errors.ts';
import { canonicalText, compactText, floatText, jcsBytes } from './canonical-json.ts';
import { JsonFloat, type JsonValue } from './json.ts';
import { jsonLocator, parseJson } from './json-parse.ts';

const round = (text: string): string => canonicalText(parseJson(text));

describe('parseJson() and canonicalText()', () => {
  it('keep integers and floats apart, to the last bit', () => {
    expect(round('[1,1.0,-0,18446744073709551615,-9223372036854775808,18446744073709551616,9007199254740993]')).toBe(
      '[1,1.0,-0.0,18446744073709551615,-9223372036854775808,1.8446744073709552e+19,9007199254740993]',
    );
  });

  it('print floats as the reference does', () => {
    const cases: [number, string][] = [[1, '1.0'], [0.00001, '0.00001'], [1e-6, '1e-6'], [1.25e-6, '1.25e-6'], [1e15, '1000000000000000.0'], [1e16, '1e+16'], [1.5e300, '1.5e+300'], [5e-324, '5e-324'], [-0.1, '-0.1'], [123.456, '123.456']];
    for (const [value, text] of cases) expect(floatText(value)).toBe(text);
  });

  it('sort keys by code point, not by UTF-16 unit', () => {
    expect(round('{"\ue000":1,"\u{1f600}":2,"a":3}')).toBe('{"a":3,"\ue000":1,"\u{1f600}":2}');
  });

  it('sort keys alike however they were written, whatever letters they hold', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'B', '0', '9', '~', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'), maxLength: 4 });
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 12 }), (keys) => {
        const utf8Order = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const object: Record<string, JsonValue> = Object.fromEntries(keys.map((name) => [name, 1]));
        expect(canonicalText(object)).toBe(`{${utf8Order.map((name) => `${JSON.stringify(name)}:1`).join(',')}}`);
      }),
    );
  });

  it('refuse what is doubtful, with its place', () => {
    for (const text of ['', '{', '{"a":1,}', '[1 2]', '01', '1.', '"\t"', '"\\ud800"', '"\\x"', '{"a":1,"a":2}', '1 1', '\ufeff1', '1e400', '['.repeat(128) + ']'.repeat(128), 'nul']) {
      expect(() => parseJson(text), text).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    }
    expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    expect(parseJson('['.repeat(127) + ']'.repeat(127))).toBeDefined();
    try {
      parseJson('{\n  "a": tru\n}');
      expect.unreachable();
    } catch (error) {
      expect(isCellError(error) && error.facts).toMatchObject({ line: 2, column: 8 });
    }
  });

  it('find the line of a path, or of its nearest parent', () => {
    const locate = jsonLocator('{\n "a": {\n  "b": [1,\n   2]}}').at;
    expect(locate(['a', 'b', 1])).toEqual({ line: 4, column: 4 });
    expect(locate(['a', 'b', 7, 'x'])).toEqual({ line: 3, column: 8 });
  });

  it('agree with JSON.parse and are idempotent for any value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const parsed = parseJson(text);
        expect(JSON.parse(compactText(parsed))).toEqual(JSON.parse(text));
        expect(canonicalText(parseJson(canonicalText(parsed)))).toBe(canonicalText(parsed));
      }),
    );
  });

  it('do not depend on the order of keys', () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value) ? value.map(reversed) : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).reverse().map(([key, member]) => [key, reversed(member)])) : value;
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__')); // the way back through plain objects loses such keys
        expect(canonicalText(parseJson(JSON.stringify(reversed(value))))).toBe(canonicalText(parseJson(JSON.stringify(value))));
      }),
    );
  });

  it('never throw anything but a CellError', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', 'u', 'd', '8', '0', '1', '.', 'e', '-', ',', ':', ' ', 'n', 't', '\n', '\u{1f600}'), maxLength: 40 }), (text) => {
        try {
          parseJson(text);
        } catch (error) {
          expect(isCellError(error)).toBe(true);
        }
      }),
    );
  });
});

describe('jcsBytes()', () => {
  it('writes the published examples of RFC 8785', () => {
    const folder = `${import.meta.dirname}/../../test/vectors/external/jcs/testdata`;
    const names = readdirSync(`${folder}/input`);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) expect(new TextDecoder().decode(jcsBytes(parseJson(readFileSync(`${folder}/input/${name}`)))), name).toBe(readFileSync(`${folder}/output/${name}`, 'utf8').trimEnd());
  });

  it('agrees with an independent implementation of RFC 8785', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!JSON.stringify(value).includes("__proto__")); // the oracle loses such keys
        if (/\d{16}/.test(JSON.stringify(value))) {
          // Integers beyond 2^53 are refused on purpose: I-JSON cannot carry them exactly.
          try {
            jcsBytes(parseJson(JSON.stringify(value)));
          } catch (error) {
            expect(isCellError(error, 'json.number')).toBe(true);
            return;
          }
        }
        const ours = new TextDecoder().decode(jcsBytes(parseJson(JSON.stringify(value))));
        const theirs: unknown = canonicalize(JSON.parse(JSON.stringify(value)));
        expect(ours).toBe(theirs instanceof Uint8Array ? new TextDecoder().decode(theirs) : theirs);
      }),
    );
  });

  it('refuses what I-JSON cannot carry', () => {
    expect(() => jcsBytes(2n ** 60n)).toThrow(expect.objectContaining({ code: 'json.number' }));
    expect(() => jcsBytes(new JsonFloat(Number.NaN))).toThrow(expect.objectContaining({ code: 'json.number' }));
    expect(() => jcsBytes('\ud800' as JsonValue)).toThrow(expect.objectContaining({ code: 'json.invalid' }));
    expect(toHex(jcsBytes({ b: 1, a: new JsonFloat(1e21) }))).toBe(toHex(new TextEncoder().encode('{"a":1e+21,"b":1}')));
  });
});

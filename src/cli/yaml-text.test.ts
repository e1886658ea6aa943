import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../base/bytes.ts';
import { canonicalText } from '../base/canonical-json.ts';
import type { JsonValue } from '../base/json.ts';
import { parseJson } from '../base/json-parse.ts';
import { readYaml } from '../adapters/document/yaml-reader.ts';
import { yamlLines } from './yaml-text.ts';

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('yes', 'no', 'null', 'true', '~', '', '-', '- a', 'a: b', '# x', '"', "'", '1', '1.0', '0x1', '.inf', '<<', '*a', '&a', '!t', '|', '%a', '@', '`', '\u0085', '\u2028', '\u202e', '\ufeff', 'a\nb', ' a', 'a ', '2026-01-01', 'on', 'y'));
const value = fc.letrec<{ value: unknown }>((tie) => ({ value: fc.oneof({ maxDepth: 4 }, text, fc.boolean(), fc.constant(null), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(text, tie('value'), { maxKeys: 3 })) })).value;
const document: fc.Arbitrary<JsonValue> = fc.dictionary(text, value, { minKeys: 1, maxKeys: 3 }).map((one) => parseJson(JSON.stringify(one)));

describe('yamlLines()', () => {
  it('is read back as the same value by our own reader [YT1]', () => {
    fc.assert(
      fc.property(document, (value) => {
        const yaml = yamlLines(value).join('\n');
        expect(canonicalText(readYaml(utf8(yaml)).value)).toBe(canonicalText(value));
        expect(yaml).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
      }),
      { numRuns: 300 },
    );
  });

  it('writes comments above their members, and none of them ends before its line [YT2]', () => {
    const comments = new Map([['a.b', ['why\nkey: value\u202e']], ['a.c[1].d', ['deep']], ['a', ['top']]]);
    expect(yamlLines(parseJson('{"a":{"b":1,"c":[true,{"d":[],"e":{}},[[1]]]}}'), comments)).toEqual(['# top', 'a:', '  # why\\nkey: value\\u202e', '  b: 1', '  c:', '    - true', '      # deep', '    - d: []', '      e: {}', '    - - - 1']);
  });
});

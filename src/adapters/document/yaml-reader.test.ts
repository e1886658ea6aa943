import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { compactText } from '../../base/canonical-json.ts';
import type { JsonValue } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import { checkSpec, parseSpec } from '../../core/spec/parse.ts';
import { readYaml } from './yaml-reader.ts';

const jsonOf = (text: string): JsonValue => readYaml(utf8(text)).value;
const refusalOf = (text: string): unknown => {
  try {
    return jsonOf(text);
  } catch (error) {
    return (error as { facts?: unknown }).facts;
  }
};

describe('readYaml()', () => {
  it('keeps integers, floats, texts and their digits apart [Y2]', () => {
    const text = 'a: 1\nb: 1.0\nc: 18446744073709551615\nd: 1e3\ne: "1"\nf: yes\ng: 0x1F\nh: ~\ni: -0\nj: 18446744073709551616\nk: 12:30\nl: 2026-11-25\nm: +1\nn: |\n  two\n  lines\n';
    expect(compactText(jsonOf(text))).toBe(
      '{"a":1,"b":1.0,"c":18446744073709551615,"d":1000.0,"e":"1","f":"yes","g":31,"h":null,"i":-0.0,"j":1.8446744073709552e+19,"k":"12:30","l":"2026-11-25","m":1,"n":"two\\nlines\\n"}',
    );
  });

  it.each([
    ['a: 1\na: 2', 2, 1, /given twice/],
    ['a: !!str 1', 1, 10, /tags/],
    ['!!map {a: 1}', 1, 7, /tags/],
    ['a: !custom x', 1, 4, /./],
    ['%YAML 1.1\n---\na: yes', 1, 1, /directives/],
    ['a: 1\n---\nb: 2', 2, 1, /more than one document/],
    ['x: &x {a: 1}\ny:\n  <<: *x', 3, 3, /merge keys/],
    ['1: a', 1, 1, /put "1" in quotes/],
    ['null: a', 1, 1, /in quotes/],
    ['? [a]\n: b', 1, 3, /a key has to be a text/],
    ['a: &a [*a]', 1, 8, /anchor before it/],
    ['a: *nowhere', 1, 4, /./],
    ['a: .inf', 1, 4, /no form in JSON/],
    ['a: .nan', 1, 4, /no form in JSON/],
    ['a: "\\ud800"', 1, 4, /surrogate/],
    ['a: \u0007', 1, 4, /control character/],
    ['\ufeffa: 1', 1, 1, /byte-order mark/],
    ['a: [1, 2', 1, 9, /./],
    ['a: b: c', 1, 4, /./],
    ['a:\n\tb: 1', 2, 1, /./],
  ])('refuses %j at its place [Y1]', (text, line, column, reason) => {
    expect(refusalOf(text)).toMatchObject({ line, column, reason: expect.stringMatching(reason) });
    expect(() => jsonOf(text)).toThrow(expect.objectContaining({ code: 'yaml.invalid' }));
  });

  it('resolves aliases, within bounds [Y3]', () => {
    expect(compactText(jsonOf('a: &x {k: [1]}\nb: *x'))).toBe('{"a":{"k":[1]},"b":{"k":[1]}}');
    const doubled = `a0: &a0 [1, 2]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}`;
    expect(refusalOf(doubled)).toMatchObject({ reason: expect.stringContaining('too much') });
    expect(refusalOf(`a: &a "${'x'.repeat(900_000)}"\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]`)).toMatchObject({ reason: expect.stringContaining('too much') });
    expect(refusalOf(`a: &a 1\nb: [${'*a, '.repeat(LIMITS.yamlAliasCountMax + 1)}]`)).toMatchObject({ reason: expect.stringContaining('aliases') });
  });

  it('refuses what is nested too deep, written out or by aliases, and takes what is not [Y3]', () => {
    expect(jsonOf(`${'['.repeat(127)}${']'.repeat(127)}`)).toBeDefined();
    for (const text of [`${'['.repeat(128)}${']'.repeat(128)}`, '['.repeat(100_000), '{a: '.repeat(100_000), '- '.repeat(100_000), '? '.repeat(100_000)]) expect(refusalOf(text)).toMatchObject({ reason: expect.stringContaining('nested') });
    const ladder = `a0: &a0 ${'['.repeat(100)}${']'.repeat(100)}\na1: ${'['.repeat(50)}*a0${']'.repeat(50)}`;
    expect(refusalOf(ladder)).toMatchObject({ reason: expect.stringContaining('nested') });
  });

  it('refuses large texts, and small ones with very much in them', () => {
    expect(refusalOf('x'.repeat(LIMITS.yamlSizeBytesMax + 1))).toMatchObject({ reason: expect.stringContaining('bytes') });
    for (const sign of [',', '}', '!a ', '&a ', '"a" ', ': ', '# c\n', '\n', '- a\n']) expect(refusalOf(`[${sign.repeat(100_000)}`)).toMatchObject({ line: expect.any(Number) });
  });
});

describe('a document in YAML', () => {
  const yaml = `# a comment
apiVersion: cellos.io/v1
kind: ExecutionCell
spec:
  id: hello
  authority: {}
  lifetime:
    ttlSecond: 60
  run:
    argv:
      - sh
      - ""
    secretDelivery: everywhere
`;

  it('has the line and column of every finding [Y4]', () => {
    const checked = checkSpec(utf8(yaml), { yaml: readYaml });
    expect(checked.kind === 'invalid' && checked.issues.map(({ rule, path, line, column }) => [rule, path, line, column])).toEqual([
      ['missing-key', 'spec.lifetime.ttlSeconds', 7, 3],
      ['unknown-value', 'spec.run.secretDelivery', 13, 21],
      ['unknown-key', 'spec.lifetime.ttlSecond', 8, 5],
    ]);
    const valid = yaml.replace('ttlSecond', 'ttlSeconds').replace('everywhere', 'env');
    const argv = checkSpec(utf8(valid), { yaml: readYaml });
    expect(argv.kind === 'invalid' && argv.issues).toMatchObject([{ rule: 'run.argv.empty', path: 'spec.run.argv[1]', line: 12, column: 9 }]);
  });

  it('has the spec hash of the same document in JSON, and a raw hash of its own', () => {
    const text = 'apiVersion: cellos.io/v1\nkind: ExecutionCell\nspec: {id: a, authority: {network: [1, 1.0, 18446744073709551615, 1e-7]}, lifetime: {ttlSeconds: 1}}\n';
    const json = '{"spec":{"lifetime":{"ttlSeconds":1},"authority":{"network":[1,1.0,18446744073709551615,1e-7]},"id":"a"},"kind":"ExecutionCell","apiVersion":"cellos.io/v1"}';
    const fromYaml = parseSpec(utf8(text), { yaml: readYaml });
    const fromJson = parseSpec(utf8(json));
    expect(fromYaml.format).toBe('yaml');
    expect(fromYaml.specHash).toBe(fromJson.specHash);
    expect(fromYaml.rawHash).not.toBe(fromJson.rawHash);
  });
});

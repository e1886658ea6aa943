import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readYaml } from '../../adapters/document/yaml-reader.ts';
import { utf8 } from '../../base/bytes.ts';
import { isCellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import { checkSpec, parseSpec, type SpecCheck, type SpecOptions } from './parse.ts';

const document = (spec: object = {}, top: object = {}): string => JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'a', authority: {}, lifetime: { ttlSeconds: 60 }, ...spec }, ...top }, undefined, 1);
const check = (text: string, options: SpecOptions = {}): SpecCheck => checkSpec(utf8(text), options);
const findings = (checked: SpecCheck) => (checked.kind === 'invalid' ? checked.issues : checked.document.warnings);
const rulesOf = (checked: SpecCheck): string[] => findings(checked).map((issue) => issue.rule);

describe('checkSpec()', () => {
  it('finds everything at once, the first being the one the reference stops at [S3]', () => {
    const checked = check(document({ id: '', egressRulez: 1, run: { argv: ['', 'a\0b'] }, placement: {}, lifetime: { ttlSeconds: 1 } }, { kind: 'Cell' }));
    expect(rulesOf(checked)).toEqual(['document.kind', 'id.portable', 'placement.empty', 'run.argv.empty', 'run.argv.nul', 'unknown-key']);
    expect(findings(checked).map(({ line }) => line)).toEqual([3, 5, 17, 13, 14, 10]);
  });

  it('judges the parts that could be read although others could not', () => {
    const checked = check(document({ id: '..', run: { argv: 'make' }, authority: { secretRefs: ['/'] }, lifetime: {} }));
    expect(rulesOf(checked)).toEqual(['missing-key', 'wrong-type', 'id.portable', 'secret-ref.portable']);
    expect(findings(checked)[0]).toMatchObject({ path: 'spec.lifetime.ttlSeconds', severity: 'error' });
  });

  it('refuses an unknown key in strict mode, names the key that was meant, and warns in compatible mode [S1] [S2]', () => {
    const text = document({ lifetime: { ttlSeconds: 1, ttlSecond: 2 } });
    expect(findings(check(text))).toEqual([{ rule: 'unknown-key', path: 'spec.lifetime.ttlSecond', line: 9, column: 4, message: 'is an unknown key; did you mean ttlSeconds?', severity: 'error' }]);
    const lenient = check(text, { mode: 'compatible' });
    expect(lenient.kind).toBe('ok');
    expect(findings(lenient)).toMatchObject([{ rule: 'unknown-key', severity: 'warning' }]);
  });

  it.each([
    ['positional', document({ lifetime: [60] })],
    ['enum-object', document({ run: { argv: ['x'], secretDelivery: { env: null } } })],
    ['repeated-key', document({ authority: { network: { a: 1 } } }).replace('"a": 1', '"a": 1, "a": 2')],
    ['repeated-key', document({ q: 1 }).replace('"q": 1', '"q": 1, "q": 2')],
  ])('refuses %s in strict mode only', (rule, text) => {
    const strict = check(text);
    expect(strict.kind).toBe('invalid');
    expect(rulesOf(strict)).toContain(rule);
    expect(check(text, { mode: 'compatible' }).kind).toBe('ok');
  });

  it('keeps what a value means whichever way it is written', () => {
    const hashOf = (text: string): string => parseSpec(utf8(text), { mode: 'compatible' }).specHash;
    const named = document({ lifetime: { ttlSeconds: 60 }, run: { argv: ['x'], secretDelivery: 'env' } });
    expect(hashOf(document({ lifetime: [60], run: [['x'], null, null, null, { env: null }] }))).toBe(hashOf(named));
    expect(hashOf(document({ identity: { kind: { awsAssumeRole: { roleArn: 'r' } }, provider: '', audience: '', secretRef: 's' }, authority: { secretRefs: ['s'] } }))).toBe(
      hashOf(document({ identity: { kind: { awsAssumeRole: { role_arn: 'r' } }, provider: '', audience: '', secretRef: 's' }, authority: { secretRefs: ['s'] } })),
    );
  });

  it('refuses a value given under both spellings of its key', () => {
    const checked = check(document({ identity: { kind: { awsAssumeRole: { roleArn: 'r', role_arn: 'r' } }, provider: '', audience: '', secretRef: 's' }, authority: { secretRefs: ['s'] } }), { mode: 'compatible' });
    expect(rulesOf(checked)).toEqual(['duplicate-key']);
  });

  it('skips unknown values of any depth in compatible mode, and refuses known ones that deep', () => {
    const deep = `${'[{"a":'.repeat(5000)}1${'},2]'.repeat(5000)}`;
    expect(check(document({ q: 'DEEP' }).replace('"DEEP"', deep), { mode: 'compatible' }).kind).toBe('ok');
    expect(rulesOf(check(document({ authority: { network: 'DEEP' } }).replace('"DEEP"', deep), { mode: 'compatible' }))).toEqual(['too-deep']);
    expect(rulesOf(check(document({ q: 'DEEP' }).replace('"DEEP"', deep.slice(0, -1)), { mode: 'compatible' }))).toEqual(['syntax']);
  });

  it('judges nothing where a list stands for the object that has the mistake', () => {
    const spec = ['..', null, null, null, null, null, null, null, {}, [-1]];
    expect(rulesOf(check(document({}, { spec }), { mode: 'compatible' }))).toEqual(['out-of-range', 'positional', 'positional']);
    expect(rulesOf(check(JSON.stringify(['cellos.io/v1', 'Cell', 1]), { mode: 'compatible' }))).toEqual(['wrong-type', 'positional']);
  });

  it('warns about floats whose digits other readers may round otherwise, in both modes', () => {
    const text = document({ authority: { network: { deep: [1, 'F'] } } }).replace('"F"', '0.12345678901234567');
    expect(findings(check(text))).toMatchObject([{ rule: 'review.float-digits', path: 'spec.authority.network.deep[1]', severity: 'warning' }]);
  });

  it('tells no more than a bounded number of findings, and how many there are', () => {
    const keys = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`k${i}`, 1]));
    const checked = check(document(keys));
    expect(checked).toMatchObject({ kind: 'invalid', errorCount: 5000 });
    expect(findings(checked)).toHaveLength(LIMITS.specIssueCountMax);
  });
});

/** Everything of the second pass: what breaks the rule, and nothing else. */
const REVIEWED: readonly (readonly [string, object])[] = [
  ['review.list-size', { authority: { secretRefs: Array.from({ length: 4097 }, (_, i) => `s${i}`) } }],
  ['review.grace', { run: { argv: ['x'], limits: { gracefulShutdownSeconds: 121 } } }],
  ['review.grace', { run: { argv: ['x'], limits: { gracefulShutdownSeconds: 0 } } }],
  ['review.ingress.secret-ref', { ingress: { git: { secretRef: 'S' } } }],
  ['review.ingress.url', { ingress: { git: { url: 'file:///etc' } } }],
  ['review.ingress.reference', { ingress: { ociImage: { reference: '' } } }],
  ['review.ingress.digest', { ingress: { ociImage: { reference: 'r', digest: 'junk' } } }],
  ['review.working-directory', { run: { argv: ['x'], workingDirectory: '/a\0b' } }],
  ['review.artifact.path', { export: { artifacts: [{ name: 'a', path: 'a\0' }] } }],
  [
    'review.artifact.duplicate',
    {
      export: {
        artifacts: [
          { name: 'a', path: 'x' },
          { name: 'a', path: 'y' },
        ],
      },
    },
  ],
  ['review.target.bucket', { export: { targets: [{ kind: 's3', name: 't', bucket: 'No' }] } }],
  ['review.target.egress', { export: { targets: [{ kind: 'http', name: 't', baseUrl: 'https://x.example' }] } }],
  ['review.target.user-info', { authority: { egressRules: [{ host: 'x.example', port: 443 }] }, export: { targets: [{ kind: 'http', name: 't', baseUrl: 'https://u:p@x.example' }] } }],
  ['review.egress.port', { authority: { egressRules: [{ host: 'h', port: 0 }] } }],
  ['review.egress.protocol', { authority: { egressRules: [{ host: 'h', port: 1, protocol: 'smtp' }] } }],
  ['review.egress.host', { authority: { egressRules: [{ host: 'h$x', port: 1 }] } }],
  ['review.dns.endpoint', { authority: { dnsAuthority: { resolvers: [{ resolverId: 'r', endpoint: 'localhost', protocol: 'do53-udp' }] } } }],
  ['review.dns.endpoint', { authority: { dnsAuthority: { resolvers: [{ resolverId: 'r', endpoint: 'http://x.example/dns', protocol: 'doh' }] } } }],
  ['review.dns.trust-anchors', { authority: { dnsAuthority: { resolvers: [{ resolverId: 'r', endpoint: '10.0.0.1:53', protocol: 'dot', dnssec: { trustAnchorsPath: 'x' } }] } } }],
  ['review.dns.rebinding', { authority: { dnsAuthority: { rebindingPolicy: { responseIpAllowlist: ['a.example:10.0.0.0/33'] } } } }],
  ['review.labels', { correlation: { labels: { k: 'v'.repeat(257) } } }],
  ['review.labels', { correlation: { labels: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, 'v'])) } }],
  ['review.identity.empty', { identity: { kind: 'federatedOidc', provider: '', audience: 'a', secretRef: 'S' }, authority: { secretRefs: ['S'] } }],
];

describe('the second pass', () => {
  it.each(REVIEWED)('%s is an error in strict mode and a warning in compatible mode', (rule, spec) => {
    const strict = check(document(spec));
    expect(strict.kind).toBe('invalid');
    expect(rulesOf(strict)).toEqual([rule]);
    const compatible = check(document(spec), { mode: 'compatible' });
    expect(compatible.kind).toBe('ok');
    expect(rulesOf(compatible)).toEqual([rule]);
  });

  it('never repeats a password', () => {
    const text = document({ authority: { egressRules: [{ host: 'x.example', port: 443 }] }, export: { targets: [{ kind: 'http', name: 't', baseUrl: 'https://u:hunter2@x.example' }] } });
    expect(JSON.stringify(check(text))).not.toContain('hunter2');
  });

  it('takes endpoints and sources of every proper form', () => {
    const resolvers = [
      ['do53-udp', '10.0.0.1:53'],
      ['do53-tcp', '[2001:db8::1]:53'],
      ['dot', 'dns.example.net:853'],
      ['doh', 'https://dns.example.net/dns-query'],
      ['doq', '[::1]:853'],
    ].map(([protocol, endpoint], i) => ({ resolverId: `r${i}`, protocol, endpoint }));
    const rebindingPolicy = { responseIpAllowlist: ['a.example:10.0.0.0/8', 'a.example:2001:db8::/32', 'a.example:::1'] };
    for (const url of ['https://git.example/r.git', 'ssh://git@git.example/r', 'git@git.example:team/r.git']) {
      expect(rulesOf(check(document({ authority: { dnsAuthority: { resolvers, rebindingPolicy } }, ingress: { git: { url } } })))).toEqual([]);
    }
  });
});

describe('parseSpec()', () => {
  it('throws one error with a line for each finding, that says where and what to do', () => {
    try {
      parseSpec(utf8(document({ lifetime: { ttlSecond: 1 } })), { name: 'cell.json' });
      expect.unreachable();
    } catch (error) {
      if (!isCellError(error, 'spec.invalid')) throw error;
      expect(error.message.split('\n')).toEqual([
        'Cannot use cell.json: 2 mistakes',
        '  cell.json:7:15: spec.lifetime.ttlSeconds is missing: a whole number is required',
        '  cell.json:8:4: spec.lifetime.ttlSecond is an unknown key; did you mean ttlSeconds?',
      ]);
      expect(error.facts).toMatchObject({ rules: ['missing-key', 'unknown-key'] });
    }
  });

  it('puts nothing into a message that a terminal would act on', () => {
    const text = document({ ['\u001b[2J']: 1, id: '\u009b31m', identity: '\u001b]0;x\u0007' });
    expect(() => parseSpec(utf8(text))).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/[^\n\x20-\x7e\u2026]/) }));
  });

  it('refuses YAML where no reader was given, and bytes that are neither', () => {
    expect(() => parseSpec(utf8('a: 1'))).toThrow(/only JSON/);
    expect(() => parseSpec(Uint8Array.of(0x7b, 0xff))).toThrow(/1:1: the bytes are not valid UTF-8/);
    expect(() => parseSpec(utf8(''))).toThrow(expect.objectContaining({ code: 'spec.invalid' }));
  });
});

/** Documents with something wrong in them here and there. */
const anyDocument = fc
  .record(
    {
      id: fc.oneof(fc.constantFrom('a', '', 'a..b'), fc.string()),
      authority: fc.record({ filesystem: fc.jsonValue(), secretRefs: fc.array(fc.constantFrom('A', 'B', '/')), egressRules: fc.array(fc.record({ host: fc.constantFrom('h', 'a b'), port: fc.integer({ min: -1, max: 65536 }) })) }, { requiredKeys: [] }),
      lifetime: fc.oneof(fc.record({ ttlSeconds: fc.constantFrom(1, 0, -1, '1') }), fc.constant([60]), fc.constant({})),
      run: fc.record({ argv: fc.array(fc.string()), secretDelivery: fc.constantFrom<unknown>('env', { env: null }, 'x', null) }, { requiredKeys: [] }),
      correlation: fc.record({ labels: fc.dictionary(fc.string(), fc.string()), tenantId: fc.string() }, { requiredKeys: [] }),
      extra: fc.jsonValue(),
    },
    { requiredKeys: ['id', 'authority', 'lifetime'] },
  )
  .map((spec) => document(spec));

describe('properties', () => {
  it('strict accepts nothing that compatible refuses, and both agree on what it says', () => {
    fc.assert(
      fc.property(anyDocument, (text) => {
        const strict = check(text);
        const compatible = check(text, { mode: 'compatible' });
        if (strict.kind === 'ok') expect(compatible).toMatchObject({ kind: 'ok', document: { specHash: strict.document.specHash } });
        if (compatible.kind === 'invalid' && strict.kind === 'invalid') expect(strict.issues[0]).toEqual(compatible.issues[0]);
      }),
    );
  });

  it('YAML and JSON of the same content have the same spec hash, and the same findings on the same lines', () => {
    fc.assert(
      fc.property(anyDocument, fc.constantFrom<'strict' | 'compatible'>('strict', 'compatible'), (text, mode) => {
        // JSON is YAML, but for a few characters that YAML wants escaped.
        const escaped = text.replace(/[\x7f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
        const json = check(escaped, { mode, format: 'json' });
        const yaml = check(escaped, { mode, format: 'yaml', yaml: readYaml });
        expect(yaml.kind).toBe(json.kind);
        const places = (checked: SpecCheck) => findings(checked).map(({ rule, path, line }) => [rule, path, line]);
        expect(places(yaml)).toEqual(places(json));
        if (json.kind === 'ok' && yaml.kind === 'ok') expect(yaml.document.specHash).toBe(json.document.specHash);
      }),
    );
  });
});

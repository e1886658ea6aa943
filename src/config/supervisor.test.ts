import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTruthy, millisecondsOr, parseU64, saysNo, scoped, scopeSuffix, tellsWarnings } from './setting.ts';
import { parseProfile, readSupervisorConfig } from './supervisor.ts';
import { readExportSettings } from './supervisor-exports.ts';
import { parseCpuMax, readRunSettings } from './supervisor-run.ts';
import { START_STEPS } from './supervisor-problem.ts';

const rulesOf = (env: Record<string, string>): string[] => readSupervisorConfig(env).problems.map(({ rule }) => rule);
const KEYS = { CELLOS_AUTHORITY_KEYS_PATH: 'keys.json' };

describe('readSupervisorConfig()', () => {
  it('takes one profile from the value, trimmed and in any case; unset and blank are hardened [SC1]', () => {
    for (const name of ['hardened', 'portable', 'airgapped'] as const) {
      fc.assert(
        fc.property(fc.constantFrom('', ' ', '\t', '\n '), fc.constantFrom('', '  '), fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }), (before, after, upper) => {
          const written = Array.from(name, (char, at) => (upper[at] === true ? char.toUpperCase() : char)).join('');
          expect(parseProfile(`${before}${written}${after}`)).toBe(name);
        }),
      );
    }
    expect([undefined, '', '  '].map(parseProfile)).toEqual(['hardened', 'hardened', 'hardened']);
    expect(parseProfile('Portablé')).toBeUndefined();
  });

  it('hardened sets what is not set, written out or not, and cannot be talked out of scoped tokens and the ceiling [SC1]', () => {
    for (const env of [{}, { CELLOS_DEPLOYMENT_PROFILE: ' HARDENED ' }]) {
      const off = { CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS: '0', CELLOS_REQUIRE_AUTHORITY_CEILING: '0' };
      expect(readSupervisorConfig({ ...env, ...KEYS, ...off }).config).toMatchObject({ profile: 'hardened', strict: true, require: { derivation: true, telemetry: true, scopedTokens: true, ceiling: true, jetstream: true, admissionReceipts: true } });
      expect(readSupervisorConfig({ ...env, ...KEYS, CELLOS_STRICT_CONFIG: '0', CELLOS_REQUIRE_ADMISSION_RECEIPTS: 'no' }).config).toMatchObject({ strict: false, require: { admissionReceipts: false } });
    }
    expect(readSupervisorConfig({ CELLOS_DEPLOYMENT_PROFILE: 'portable' }).config).toMatchObject({ strict: false, require: { derivation: false, telemetry: false, scopedTokens: true, ceiling: false, jetstream: false } });
  });

  it('finds everything that is wrong, in the order in which the start would stop [SC2]', () => {
    const env = { CELLOS_DEPLOYMENT_PROFILE: 'airgapped', CELL_OS_USE_NOOP_SINK: '', CELLOS_CELL_BACKEND: 'gvisor', CELLOS_BROKER: 'vault-approle', CELLOS_DNS_PROXY: 'on', CELLOS_SUBPROCESS_SECCOMP: 'none' };
    expect(rulesOf(env)).toEqual(['profile-spool', 'profile-noop', 'profile-seccomp-off', 'backend-unavailable', 'broker-unavailable', 'feature-unavailable']);
    const steps = readSupervisorConfig(env).problems.map(({ step }) => START_STEPS.indexOf(step));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });

  it('looks at the keys of an unset profile after the host, and of one that is written out before', () => {
    expect(readSupervisorConfig({}).problems[0]).toMatchObject({ step: 'isolation', rule: 'profile-keys-path' });
    expect(readSupervisorConfig({ CELLOS_DEPLOYMENT_PROFILE: 'hardened' }).problems[0]).toMatchObject({ step: 'profile', rule: 'profile-keys-path' });
    expect(rulesOf({ CELLOS_DEPLOYMENT_PROFILE: 'x' })).toContain('profile-unknown');
  });

  it('counts what counts by being set, and says so when the value says no', () => {
    const { config, notes } = readSupervisorConfig({ CELLOS_DEPLOYMENT_PROFILE: 'portable', CELLOS_REQUIRE_TELEMETRY_DECLARED: '0', CELL_OS_USE_NOOP_SINK: '' });
    expect(config).toMatchObject({ require: { telemetry: true }, events: { noop: true } });
    expect(notes).toEqual([expect.stringContaining('CELLOS_REQUIRE_TELEMETRY_DECLARED=0')]);
  });

  it('never repeats key material or a password in what it tells', () => {
    const told = JSON.stringify([readSupervisorConfig({ CELLOS_DEPLOYMENT_PROFILE: 'portable', CELLOS_BROKER: 'x', CELLOS_EVENT_SIGNING_KEY_BASE64: 'SECRET', NATS_URL: 'nats://u:SECRET@h' })].map(({ problems, warnings, notes }) => ({ problems, warnings, notes })));
    expect(told).not.toContain('SECRET');
  });
});

describe('readExportSettings()', () => {
  const PORTABLE = { CELLOS_EXPORT_HTTP_BASE_URL: 'https://u.example/x', CELLOS_EXPORT_HTTP_BASE_URL__A_B: 'https://own.example', CELLOS_EXPORT_HTTP_BEARER_TOKEN__A_B: 't' };

  it('prefers the address of the target, and takes the general one for S3 with a warning that tells no address', () => {
    const { targets, warnings, problems } = readExportSettings(PORTABLE, [{ kind: 'http', name: 'a-b' }, { kind: 's3', name: 'bucket' }]);
    expect(targets.get('a-b')).toMatchObject({ kind: 'http', upload: { url: 'https://own.example', bearerToken: 't', attemptsMax: 1, timeoutMs: 30_000 } });
    expect(targets.get('bucket')).toMatchObject({ kind: 's3', upload: { url: 'https://u.example/x' } });
    expect([warnings.length, JSON.stringify(warnings).includes('u.example'), problems]).toEqual([1, false, []]);
  });

  it('refuses two targets that would share their variables', () => {
    const rules = (names: readonly string[]) => readExportSettings(PORTABLE, names.map((name) => ({ kind: 'http' as const, name }))).problems.map(({ rule }) => rule);
    expect(rules(['a-b', 'a_b'])).toEqual(['export-collision']);
    expect(rules(['a-b', 'a-c'])).toEqual([]);
  });

  it('demands an address where one is required, of S3 by either variable', () => {
    const rules = (env: Record<string, string>, kind: 'http' | 's3') => readExportSettings(env, [{ kind, name: 't' }]).problems.map(({ rule }) => rule);
    expect([rules({ CELL_OS_REQUIRE_HTTP_EXPORT: '0' }, 's3'), rules({ CELL_OS_REQUIRE_S3_EXPORT: '' }, 's3'), rules({ CELL_OS_REQUIRE_S3_EXPORT: '1' }, 'http'), rules({}, 's3')]).toEqual([['export-url-required'], ['export-url-required'], [], []]);
  });

  it('refuses numbers and addresses that are none', () => {
    for (const env of [{ CELLOS_EXPORT_HTTP_MAX_ATTEMPTS: '0' }, { CELLOS_EXPORT_HTTP_MAX_ATTEMPTS: ' 1' }, { CELLOS_EXPORT_HTTP_RETRY_BACKOFF_MS: '-1' }, { CELLOS_EXPORT_HTTP_BASE_URL: 'ftp://x' }, { CELLOS_EXPORT_HTTP_BASE_URL: 'x' }, { CELLOS_EXPORT_HTTP_BEARER_TOKEN: 'a\nb' }]) {
      expect(readExportSettings({ CELLOS_EXPORT_HTTP_BASE_URL: 'https://x', ...env }, []).problems.map(({ rule }) => rule)).toEqual(['export-setting']);
    }
  });
});

describe('readRunSettings()', () => {
  it('reads namespaces, prefixes, groups and the filter as the reference does', () => {
    expect(readRunSettings({ CELLOS_SUBPROCESS_UNSHARE: 'default' }).unshare).toEqual(new Set(['pid', 'ipc', 'mount', 'net']));
    expect(readRunSettings({ CELLOS_SUBPROCESS_UNSHARE: ' NET, ns ,x' })).toMatchObject({ unshare: new Set(['net', 'mount']), notes: [expect.stringContaining('"x"')] });
    expect(readRunSettings({ CELLOS_RUN_ARGV0_ALLOW_PREFIXES: ' /a/ ,, C:\\b\\ ,/' }).programPrefixes).toEqual(['/a', 'C:/b']);
    expect(readRunSettings({ CELLOS_CGROUP_MEMORY_MAX: '1M' }).cgroup).toBeUndefined();
    for (const [value, path, expected] of [[undefined, undefined, 'default'], ['', undefined, 'off'], [' OFF ', undefined, 'off'], ['baseline', undefined, 'default'], [undefined, '/f', { path: '/f' }], ['bpf', '/f', { path: '/f' }]] as const) {
      expect(readRunSettings({ ...(value === undefined ? {} : { CELLOS_SUBPROCESS_SECCOMP: value }), ...(path === undefined ? {} : { CELLOS_SECCOMP_BPF_PATH: path }) })).toMatchObject({ seccomp: expected, problems: [] });
    }
  });

  it('keeps what is wrong for the command, and does not guess', () => {
    for (const env of [{ CELLOS_RUN_TIMEOUT_MS: '0' }, { CELLOS_RUN_TIMEOUT_MS: '1s' }, { CELLOS_SUBPROCESS_SECCOMP: 'strict' }, { CELLOS_SUBPROCESS_SECCOMP: 'bpf' }, { CELLOS_SUBPROCESS_SECCOMP: '1', CELLOS_SECCOMP_BPF_PATH: 'f' }]) {
      expect(readRunSettings(env).problems).toHaveLength(1);
    }
    expect(readRunSettings({ CELLOS_RUN_TIMEOUT_MS: ' +5 ' })).toMatchObject({ timeoutMs: 5n, problems: [] });
  });

  it('takes quotas in four forms and no other', () => {
    expect(['max', '5', 'max 9', '5 9'].map(parseCpuMax)).toEqual([{ periodMicros: 100_000 }, { quotaMicros: 5, periodMicros: 100_000 }, { periodMicros: 9 }, { quotaMicros: 5, periodMicros: 9 }]);
    expect(['', '0', '5 0', '-1', '1 2 3', 'x', '5 max', '1.5'].map(parseCpuMax)).toEqual(Array.from({ length: 8 }, () => undefined));
  });
});

describe('the readings of one variable', () => {
  it('on is one of four words, no one of four others', () => {
    expect(['1', ' TRUE ', 'yes', 'On', '0', '', 'y', '2'].map(isTruthy)).toEqual([true, true, true, true, false, false, false, false]);
    expect(['0', 'FALSE', ' no', 'off', '', '1'].map(saysNo)).toEqual([true, true, true, true, false, false]);
  });

  it('an integer is digits within 64 bits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        expect(parseU64(String(value))).toBe(value);
      }),
    );
    expect(['18446744073709551616', '', ' 1', '1 ', '-1', '1e3', '0x1'].map(parseU64)).toEqual(Array.from({ length: 7 }, () => undefined));
    expect(['250', ' 250 ', '0', '-1', '10s', undefined].map((text) => millisecondsOr(text, 7))).toEqual([250, 250, 7, 7, 7, 7]);
  });

  it('a scoped variable wins when it is not blank', () => {
    expect(scopeSuffix('a-b.ü9')).toBe('A_B__9');
    expect([scoped({ V: 'x', V__T: ' ' }, 'V', 't'), scoped({ V: 'x', V__T: 'y' }, 'V', 't'), scoped({}, 'V', 't')]).toEqual([{ variable: 'V', value: 'x' }, { variable: 'V__T', value: 'y' }, undefined]);
  });

  it('warnings are told unless the log is for errors alone', () => {
    expect([undefined, 'info', 'x', 'warn', 'debug,h2=off', '', 'error', 'off'].map(tellsWarnings)).toEqual([true, true, true, true, true, false, false, false]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSupervisorConfig } from '../../config/supervisor.ts';
import { fakeDocument } from '../../testing/index.ts';
import { supervisorAsks } from './cell-work.ts';
import { refusedProgram } from './program-prefixes.ts';

const document = fakeDocument({ run: { argv: ['true'], secretDelivery: 'env' } });
const PLACE = { directory: '/srv', hidden: ['/state'], umask: 0o027 };

describe('supervisorAsks()', () => {
  it('lets only the profile portable see the host or go without a filter, whatever else is set [CW1]', () => {
    const env = fc.record(
      {
        CELLOS_DEPLOYMENT_PROFILE: fc.oneof(fc.constantFrom('hardened', ' AirGapped', '', 'portabel', 'portable,'), fc.string()),
        CELLOS_SUBPROCESS_UNSHARE: fc.constantFrom('', 'net', 'default'),
        CELLOS_SUBPROCESS_SECCOMP: fc.constantFrom('off', '0', '', 'bpf', 'baseline'),
        CELLOS_SECCOMP_BPF_PATH: fc.constantFrom('/f', ''),
        CELLOS_CELL_BACKEND: fc.constantFrom('stub', '', 'x'),
        CELLOS_REQUIRE_ISOLATION: fc.constantFrom('0', '1'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(env, (settings) => {
        fc.pre(settings.CELLOS_DEPLOYMENT_PROFILE?.trim().toLowerCase() !== 'portable');
        const asks = supervisorAsks(readSupervisorConfig(settings).config, document, PLACE);
        expect([asks.hostView, asks.seccomp?.profile]).toEqual([undefined, 'default']);
      }),
    );
  });

  it('portable shares the network unless one of its own is asked for, and drops the filter only by name', () => {
    const asks = (more: Record<string, string>) => supervisorAsks(readSupervisorConfig({ CELLOS_DEPLOYMENT_PROFILE: 'portable', ...more }).config, document, PLACE);
    expect(asks({})).toMatchObject({ hostView: { network: 'host', directory: '/srv', hidden: ['/state'], privateFolder: false, umask: 0o027 }, seccomp: { profile: 'default' } });
    expect(asks({ CELLOS_SUBPROCESS_UNSHARE: '1', CELLOS_SUBPROCESS_SECCOMP: 'none' })).toMatchObject({ hostView: { network: 'own', privateFolder: true }, seccomp: { profile: 'off' } });
  });

  it('refuses a limit that cannot be in force, but under portable [CW2]', () => {
    const allowed = (profile: string) => supervisorAsks(readSupervisorConfig({ CELLOS_DEPLOYMENT_PROFILE: profile }).config, document, PLACE).allowDowngrade;
    for (const profile of ['hardened', 'airgapped']) expect(allowed(profile)).not.toContain('limit.memory');
    expect(allowed('portable')).toContain('limit.memory');
  });
});

describe('refusedProgram()', () => {
  it('takes a program beneath a prefix, by its real place, and no other', () => {
    expect(refusedProgram([], 'anything')).toBeUndefined();
    expect(refusedProgram(['/usr/bin', '/bin'], '/bin/true')).toBeUndefined();
    expect(refusedProgram(['/bin/true'], '/bin/true')).toBeUndefined();
    expect(refusedProgram(['/opt'], '/opt/only-in-the-cell')).toBeUndefined();
    for (const [prefixes, program] of [[['/opt'], '/opt/../bin/true'], [['/bin'], 'true'], [['/bi'], '/bin/true'], [['/proc/self'], '/proc/self/exe']] as const) expect(refusedProgram(prefixes, program)).toMatch(/^CELLOS_RUN_ARGV0_ALLOW_PREFIXES/);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../base/crypto.ts';
import { utf8 } from '../../base/bytes.ts';
import type { RunId } from '../../base/ids.ts';
import { fakeDocument } from '../../testing/index.ts';
import { admit } from '../admission/admit.ts';
import { NO_ASKS, type RunAsks } from './asks.ts';
import type { CellPlan, HostFacts } from './plan.ts';
import { planCell } from './plan-cell.ts';

const host: HostFacts = { arch: 'x64', kernel: '6', euid: 0, egid: 0, privileged: true, memoryTotalBytes: 2 ** 33, cpus: 2, bwrap: { path: '/b' }, helper: { path: '/h' }, cgroups: [], cgroupNotes: {}, pid: 7, bootId: 'b' };
const VIEW = { network: 'host', directory: '/srv/job', hidden: ['/state'], privateFolder: false, umask: 0o027 } as const;

function planOf(asks: Partial<RunAsks>): CellPlan {
  const verdict = admit({ document: fakeDocument({ run: { argv: ['true'], secretDelivery: 'env' } }), nowMs: 0 });
  if (verdict.kind === 'refused') throw new Error('refused');
  const planned = planCell({ admission: verdict.admission, asks: { ...NO_ASKS, ...asks }, host, runId: 'r' as RunId, slot: 0, seccompDigest: digestOf(utf8('filter')) });
  if (planned.kind !== 'planned') throw new Error(JSON.stringify(planned.missing));
  return planned.plan;
}

const statusOf = (plan: CellPlan, name: string): string | undefined => plan.items.find((item) => item.name === name)?.status;

describe('a plan that sees the host', () => {
  it('says each thing it gives up, with the reason, and keeps the rest [W1]', () => {
    const plan = planOf({ hostView: VIEW, seccomp: { profile: 'off' } });
    for (const name of ['namespace.mount', 'namespace.network', 'user.host-uid', 'seccomp']) expect(plan.items.find((item) => item.name === name)).toMatchObject({ status: 'downgraded', mechanism: '', reason: expect.stringContaining('portable') });
    for (const name of ['namespace.pid', 'namespace.ipc', 'namespace.uts', 'namespace.cgroup', 'namespace.user', 'capabilities', 'no-new-privileges', 'environment', 'descriptors']) expect([name, statusOf(plan, name)]).toEqual([name, 'enforced']);
    expect(plan).toMatchObject({ workingDirectory: '/srv/job', user: { uid: 0, gid: 0 }, hostView: { network: 'host', umask: 0o027, hidden: ['/state'] }, seccomp: { profile: 'off' } });
    expect(statusOf(planOf({ hostView: { ...VIEW, network: 'own' } }), 'namespace.network')).toBe('enforced');
  });

  it('is no other plan: whatever else is asked, without it nothing of the host is shared', () => {
    const asks = fc.record(
      {
        env: fc.constant({ A: 'b' }),
        environment: fc.constant({ PATH: '/bin' }),
        allowDowngrade: fc.array(fc.constantFrom('namespace.mount', 'namespace.network', 'seccomp', 'capabilities', 'user.host-uid', 'network.egress')),
        cpuMax: fc.constant({ quotaMicros: 5, periodMicros: 10 }),
        seccomp: fc.constant({ profile: 'default' as const, extra: Uint8Array.of(1) }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(asks, (more) => {
        const plan = planOf({ ...more, ...('cpuMax' in more ? { allowDowngrade: ['limit.cpu'] } : {}) });
        expect(plan.hostView).toBeUndefined();
        expect(plan.seccomp.profile).toBe('default');
        for (const name of ['namespace.mount', 'namespace.network', 'namespace.user', 'seccomp', 'capabilities', 'user.host-uid']) expect([name, statusOf(plan, name)]).toEqual([name, 'enforced']);
      }),
    );
  });

  it('alone may go without a filter', () => {
    expect(() => planOf({ seccomp: { profile: 'off' } })).toThrow(expect.objectContaining({ code: 'internal.bug' }));
  });
});

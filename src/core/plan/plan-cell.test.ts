import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../base/crypto.ts';
import { utf8 } from '../../base/bytes.ts';
import type { RunId } from '../../base/ids.ts';
import { admit } from '../admission/admit.ts';
import type { ExecutionCellSpec, SpecDocument } from '../spec/document.ts';
import { NO_ASKS, type RunAsks } from './asks.ts';
import type { CgroupController, HostFacts } from './plan.ts';
import { cellPath, hostUidFor, planCell, type Planned } from './plan-cell.ts';

const host: HostFacts = {
  arch: 'x64',
  kernel: '6.1.0',
  euid: 0,
  egid: 0,
  privileged: true,
  memoryTotalBytes: 8 * 1024 ** 3,
  cpus: 2,
  bwrap: { path: '/usr/bin/bwrap' },
  helper: { path: '/opt/cellos-cell' },
  cgroups: (['memory', 'pids', 'cpu', 'freezer'] as const).map((controller) => ({ controller, version: 1 as const, parent: `/sys/fs/cgroup/${controller}` })),
  cgroupNotes: {},
  pid: 4711,
  bootId: 'b',
};

const base: ExecutionCellSpec = { id: 'cell-1', authority: {}, lifetime: { ttlSeconds: 60 }, run: { argv: ['true'], secretDelivery: 'env' } };

function plan(spec: ExecutionCellSpec, asks: RunAsks = NO_ASKS, facts: HostFacts = host): Planned {
  const document: SpecDocument = { document: { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec }, format: 'json', rawHash: '0'.repeat(64), specHash: `sha256:${'0'.repeat(64)}`, warnings: [] };
  const verdict = admit({ document, nowMs: 0 });
  if (verdict.kind === 'refused') throw new Error(verdict.violations[0]?.message);
  return planCell({ admission: verdict.admission, asks, host: facts, runId: 'r1' as RunId, slot: 0, seccompDigest: digestOf(utf8('filter')) });
}

const item = (planned: Planned, name: string) => (planned.kind === 'planned' ? planned.plan.items : planned.items).find((one) => one.name === name);

describe('planCell()', () => {
  it('gives the same plan for the same input [P1]', () => {
    expect(JSON.stringify(plan(base))).toBe(JSON.stringify(plan(base)));
  });

  it('refuses what nothing here enforces, by name, with the reason [P3]', () => {
    const planned = plan({ ...base, authority: { egressRules: [{ host: 'example.org', port: 443 }], network: { any: true }, filesystem: ['x'] }, telemetry: { channel: 'vsock-cbor', events: ['process'], agentVersion: '1.0.0' } });
    expect(planned.kind).toBe('unsatisfiable');
    if (planned.kind !== 'unsatisfiable') return;
    expect(planned.missing.map((one) => one.name)).toEqual(expect.arrayContaining(['network.egress', 'authority.network', 'authority.filesystem']));
    for (const one of planned.missing) expect(one.reason).toMatch(/\w{10}|\w+ \w+/);
  });

  it('runs weaker only where the very name is allowed, and says so in the plan', () => {
    const spec = { ...base, authority: { egressRules: [{ host: 'example.org', port: 443 }] } };
    expect(plan(spec, { ...NO_ASKS, allowDowngrade: ['network'] }).kind).toBe('unsatisfiable');
    const planned = plan(spec, { ...NO_ASKS, allowDowngrade: ['network.egress', 'limit.memory'] });
    expect(planned).toMatchObject({ kind: 'planned', plan: { downgrades: ['network.egress'] } });
    expect(item(planned, 'network.egress')).toMatchObject({ status: 'downgraded', effective: 'no network but loopback' });
  });

  it('lets the limits of a document win over those of the caller', () => {
    const spec: ExecutionCellSpec = { ...base, run: { argv: ['true'], secretDelivery: 'env', limits: { memoryMaxBytes: 64 * 1024 ** 2, cpuMax: { quotaMicros: 50_000 } } } };
    const planned = plan(spec, { ...NO_ASKS, memoryMaxBytes: 1024 ** 3, cpus: 2 });
    expect(planned).toMatchObject({ plan: { limits: { memoryMaxBytes: 64 * 1024 ** 2, cpuQuotaMicros: 50_000, cpuPeriodMicros: 100_000 } } });
  });

  it('names a default that is not in force, and refuses one that was asked for', () => {
    const facts: HostFacts = { ...host, cgroups: [], cgroupNotes: { memory: 'not delegated' } };
    const planned = plan(base, NO_ASKS, facts);
    expect(planned.kind).toBe('planned');
    expect(item(planned, 'limit.memory')).toMatchObject({ status: 'downgraded', effective: 'no limit', reason: 'not delegated' });
    expect(plan(base, { ...NO_ASKS, memoryMaxBytes: 1024 ** 2 }, facts)).toMatchObject({ kind: 'unsatisfiable' });
  });

  it('says that without root a cell has no host user of its own', () => {
    expect(item(plan(base, NO_ASKS, { ...host, privileged: false, euid: 1000 }), 'user.host-uid')).toMatchObject({ status: 'downgraded' });
    expect(item(plan(base), 'user.host-uid')).toMatchObject({ status: 'enforced', effective: String(hostUidFor(4711, 0)) });
  });

  it('keeps the writable folders below the memory limit, so that a full disk is not an out-of-memory kill', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4 * 1024 ** 2, max: 2 ** 40 }), (memoryMaxBytes) => {
        const planned = plan(base, { ...NO_ASKS, memoryMaxBytes });
        if (planned.kind !== 'planned') throw new Error('not planned');
        expect((planned.plan.tmpfs.work ?? 0) + planned.plan.tmpfs.tmp).toBeLessThanOrEqual(memoryMaxBytes);
      }),
    );
  });

  it('asks for one group a version-1 controller and one for all of version 2, with every limit written', () => {
    const v2: HostFacts = { ...host, cgroups: (['unified', 'memory', 'pids', 'cpu'] as CgroupController[]).map((controller) => ({ controller, version: 2, parent: '/sys/fs/cgroup/user' })) };
    const asks = { ...NO_ASKS, memoryMaxBytes: 1024 ** 2, cpus: 0.5, pidsMax: 9 };
    const two = plan(base, asks, v2);
    expect(two).toMatchObject({ plan: { cgroups: [{ controller: 'unified', version: 2, path: '/sys/fs/cgroup/user/cellos-r1' }] } });
    if (two.kind !== 'planned') return;
    expect(Object.fromEntries(two.plan.cgroups[0]?.writes.map(({ file, value }) => [file, value]) ?? [])).toEqual({ 'memory.max': '1048576', 'memory.swap.max': '0', 'pids.max': '9', 'cpu.max': '50000 100000' });
    const one = plan(base, asks);
    if (one.kind !== 'planned') throw new Error('not planned');
    expect(one.plan.cgroups.map((group) => group.controller)).toEqual(['memory', 'pids', 'cpu', 'freezer']);
  });

  it('gives no two live cells of one host the same user', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 0x3f_ffff }), fc.integer({ min: 0, max: 255 })), { selector: ([pid, slot]) => `${pid}.${slot}` }), (cells) => {
        const uids = cells.map(([pid, slot]) => hostUidFor(pid, slot));
        expect(new Set(uids).size).toBe(cells.length);
        for (const uid of uids) expect(uid >= 2 ** 30 && uid < 2 ** 31).toBe(true);
      }),
    );
  });
});

describe('cellPath()', () => {
  it('keeps a path inside the root of the cell, whatever it says', () => {
    expect(cellPath('out/a')).toBe('/work/out/a');
    expect(cellPath('../../../etc/x')).toBe('/etc/x');
    fc.assert(
      fc.property(fc.string(), (text) => {
        const path = cellPath(text);
        expect(path.startsWith('/')).toBe(true);
        expect(path.split('/')).not.toContain('..');
        expect(cellPath(path)).toBe(path);
      }),
    );
  });
});

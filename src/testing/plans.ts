/** Documents, plans and host facts for tests that need one and do not care which. */
import type { RunId } from '../base/ids.ts';
import { assert } from '../base/errors.ts';
import { admit } from '../core/admission/admit.ts';
import { NO_ASKS } from '../core/plan/asks.ts';
import type { CellPlan, HostFacts } from '../core/plan/plan.ts';
import { planCell } from '../core/plan/plan-cell.ts';
import type { ExecutionCellSpec, SpecDocument } from '../core/spec/document.ts';
import { canonicalSpecHash } from '../core/spec/hash.ts';

export function fakeDocument(spec: Partial<ExecutionCellSpec> = {}): SpecDocument {
  const whole: ExecutionCellSpec = { id: 'test-cell', authority: {}, lifetime: { ttlSeconds: 60 }, ...spec };
  return { document: { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: whole }, format: 'json', rawHash: '0'.repeat(64), specHash: canonicalSpecHash(whole), warnings: [] };
}

export function fakeHost(facts: Partial<HostFacts> = {}): HostFacts {
  return { arch: 'x64', kernel: '6.1.0', euid: 0, egid: 0, privileged: true, memoryTotalBytes: 8 * 1024 ** 3, cpus: 2, bwrap: { path: '/usr/bin/bwrap' }, helper: { path: '/helper' }, cgroups: [], cgroupNotes: {}, pid: 100, bootId: 'boot', ...facts };
}

/** A plan no real backend could run: its host is made up. */
export function fakePlan(document: SpecDocument = fakeDocument()): CellPlan {
  const verdict = admit({ document, commands: 'caller', nowMs: 0 });
  assert(verdict.kind === 'admitted', 'a document for tests is admitted');
  const planned = planCell({ admission: verdict.admission, asks: NO_ASKS, host: fakeHost(), runId: '01m88b29vbxhd28d4t4ffbs325' as RunId, slot: 0, seccompDigest: `sha256:${'0'.repeat(64)}` });
  assert(planned.kind === 'planned', 'a plan for tests can be made');
  return planned.plan;
}

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { LIMITS } from '../../base/limits.ts';
import type { PolicyGate } from '../policy/decision.ts';
import { parsePolicyPack } from '../policy/read-policy.ts';
import { parseSpec } from '../spec/parse.ts';
import { admit } from './admit.ts';

const documentOf = (spec: object) => parseSpec(utf8(JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec: { id: 'a', authority: {}, lifetime: { ttlSeconds: 60 }, run: { argv: ['x'] }, ...spec } })), { mode: 'compatible' });
const gate = (rules: object): PolicyGate => ({ pack: parsePolicyPack(utf8(JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'p', rules } }))), caller: 'ci' });

describe('admit() under a policy [A3]', () => {
  it('carries the decision in the admission', () => {
    const document = documentOf({});
    const verdict = admit({ document, nowMs: 7, policy: gate({ maxLifetimeTtlSeconds: 60 }) });
    expect(verdict).toMatchObject({ kind: 'admitted', admission: { admittedAtMs: 7, policy: { verdict: 'admitted', applied: true, specHash: document.specHash, input: { caller: 'ci', ttlSeconds: 60 } } } });
    expect(admit({ document, nowMs: 7 })).toMatchObject({ kind: 'admitted', admission: expect.not.objectContaining({ policy: expect.anything() }) });
  });

  it('lists the violations of the pack after its own, with where they are', () => {
    const verdict = admit({ document: documentOf({ run: { argv: ['x'], workingDirectory: '/\0' } }), nowMs: 0, policy: gate({ maxLifetimeTtlSeconds: 59, requireResourceLimits: true }) });
    expect(verdict).toMatchObject({ kind: 'refused', policy: { verdict: 'refused' } });
    expect(verdict.kind === 'refused' && verdict.violations.map(({ rule, message }) => `${rule}: ${message}`).slice(1)).toEqual(['maxLifetimeTtlSeconds: spec.lifetime.ttlSeconds is 60, more than the 59 the pack allows', 'requireResourceLimits: spec.run.limits is missing: the pack demands that limits are declared']);
  });

  it('judges the limits asked beside the document', () => {
    const policy = gate({ maxMemoryMaxBytes: 100, requireResourceLimits: true });
    expect(admit({ document: documentOf({}), nowMs: 0, policy, asked: { memoryMaxBytes: 100 } }).kind).toBe('admitted');
    expect(admit({ document: documentOf({}), nowMs: 0, policy, asked: { memoryMaxBytes: 101 } }).kind).toBe('refused');
  });

  it('admits nothing by a decision that no record could hold', () => {
    const verdict = admit({ document: documentOf({ authority: { secretRefs: Array.from({ length: 128 }, (_, i) => `${i}`.padStart(128, 'x')).flatMap((ref) => Array.from({ length: 200 }, () => ref)) } }), nowMs: 0, policy: gate({}) });
    expect(verdict).toEqual(expect.objectContaining({ kind: 'refused', violations: [{ rule: 'policy.record-size', message: `spec asks so much that the policy decision would not fit into a record of ${LIMITS.policyRecordBytesMax} bytes` }] }));
  });
});

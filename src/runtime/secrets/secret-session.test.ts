import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import type { JsonObject } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import { Secret } from '../../base/secret.ts';
import type { RunContext } from '../../core/events/builders.ts';
import type { CellPlan } from '../../core/plan/plan.ts';
import type { SecretBroker } from '../../ports/secret-broker.ts';
import type { SecretListener } from '../../ports/secret-channel.ts';
import type { RunRecorder } from '../emitter/run-recorder.ts';
import { SecretSession } from './secret-session.ts';

const broker: SecretBroker = {
  name: 'env',
  lease: async (ref) => ({ ref, leaseId: `lease-${ref}`, read: async () => new Secret(utf8('value')), revoke: async () => 'revoked', [Symbol.asyncDispose]: async () => undefined }),
};

/** A session with a socket whose workload asks as the test says; answers with all lease records. */
async function leaseRecords(ask: (listener: SecretListener) => Promise<void>): Promise<readonly JsonObject[]> {
  const records: JsonObject[] = [];
  const recorder = { record: (_name: string, data: JsonObject) => void records.push(data) } as unknown as RunRecorder;
  const plan = { secrets: { delivery: 'runtimeLeasedBroker', refs: ['A', 'B'] }, time: { ttlMs: 1000 } } as unknown as CellPlan;
  const run = { runId: 'r', cellId: 'c', spec: { id: 's' } } as unknown as RunContext;
  let listener: SecretListener | undefined;
  const session = new SecretSession({
    plan,
    broker,
    listen: async (request) => {
      listener = request.listener;
      return { directory: '/x', variables: new Map(), close: async () => ({ probe: 'socket', result: 'clean', detail: '' }) };
    },
  });
  await session.prepare(recorder, run, AbortSignal.timeout(10_000));
  if (listener !== undefined) await ask(listener);
  await session.end(recorder, run, undefined);
  return records;
}

const more = (record: JsonObject): number => Number(/^(\d+) more, not recorded one by one$/.exec(String(record['reason'] ?? ''))?.[1] ?? 0);

describe('SecretSession', () => {
  it('records every request while they are few', async () => {
    const records = await leaseRecords(async (listener) => {
      await listener.read('A');
      listener.refused('A', 'unauthorized');
      listener.refused('C', 'unknown');
    });
    expect(records.map((record) => [record['ref'], record['state'], record['uses']])).toEqual([
      ['A', 'minted', 0], ['B', 'minted', 0], ['A', 'used', 1], ['A', 'refused', 1], ['(unknown)', 'refused', 0], ['A', 'revoked', 1], ['B', 'revoked', 0],
    ]);
  });

  it('bounds the records of a workload that asks without end, and loses count of none [X4]', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(500), fc.nat(500), fc.nat(500), async (reads, refusals, unknown) => {
        const records = await leaseRecords(async (listener) => {
          for (let i = 0; i < reads; i += 1) await listener.read('A');
          for (let i = 0; i < refusals; i += 1) listener.refused('B', 'unauthorized');
          for (let i = 0; i < unknown; i += 1) listener.refused(`no-${i}`, 'unknown');
        });
        const counted = (state: string, ref: string): number => records.filter((one) => one['state'] === state && one['ref'] === ref).reduce((sum, one) => sum + (more(one) || 1), 0);
        expect(records.length).toBeLessThanOrEqual(3 * (LIMITS.secretLeaseRecordsMax + 1) + 4);
        expect(counted('used', 'A')).toBe(reads);
        expect(counted('refused', 'B')).toBe(refusals);
        expect(counted('refused', '(unknown)')).toBe(unknown);
        expect(records.find((one) => one['state'] === 'revoked' && one['ref'] === 'A')?.['uses']).toBe(reads);
      }),
      { numRuns: 30 },
    );
  });

  it('puts no value into a variable that a variable cannot hold', async () => {
    const plan = { secrets: { delivery: 'env', refs: ['A'] }, time: { ttlMs: 1000 } } as unknown as CellPlan;
    const odd: SecretBroker = { name: 'file', lease: async (ref) => ({ ...(await broker.lease(ref, { ttlMs: 1, signal: AbortSignal.timeout(1000) })), read: async () => new Secret(utf8('a\0b')) }) };
    const recorder = { record: () => undefined } as unknown as RunRecorder;
    const session = new SecretSession({ plan, broker: odd, listen: () => Promise.reject(new Error('no socket')) });
    await expect(session.prepare(recorder, { runId: 'r', cellId: 'c', spec: { id: 's' } } as unknown as RunContext, AbortSignal.timeout(1000))).rejects.toMatchObject({ code: 'secret.missing' });
    expect(session.env.size).toBe(0);
  });
});

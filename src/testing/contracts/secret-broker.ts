import assert from 'node:assert/strict';
import type { SecretBroker } from '../../ports/secret-broker.ts';
import { type ContractCase, never, rejects } from './contract.ts';

export interface SecretBrokerHarness {
  readonly broker: SecretBroker;
  readonly known: { readonly ref: string; readonly value: string };
  readonly missing: string;
  /** A reference whose value is empty. */
  readonly empty: string;
  /** Makes time pass for the leases. */
  pass(ms: number): Promise<void>;
}

/** What every `SecretBroker` keeps. */
export function secretBrokerContract(make: () => SecretBrokerHarness): ContractCase[] {
  const lease = (harness: SecretBrokerHarness, ttlMs = 60_000) => harness.broker.lease(harness.known.ref, { ttlMs, signal: never() });
  return [
    {
      name: 'a lease reads the value, as often as asked, and does not show it',
      async run() {
        const harness = make();
        await using held = await lease(harness);
        for (let i = 0; i < 2; i += 1) assert.equal(new TextDecoder().decode((await held.read({ signal: never() })).reveal()), harness.known.value);
        assert.equal(held.ref, harness.known.ref);
        assert.ok(!JSON.stringify({ ...held, id: held.leaseId }).includes(harness.known.value));
        assert.ok(!String(await held.read({ signal: never() })).includes(harness.known.value));
      },
    },
    {
      name: 'each lease has a name of its own, and its own end',
      async run() {
        const harness = make();
        const [first, second] = [await lease(harness), await lease(harness)];
        assert.notEqual(first.leaseId, second.leaseId);
        await first.revoke();
        await second.read({ signal: never() });
        await second.revoke();
      },
    },
    {
      name: 'a revoked lease reads nothing; revoking twice says the same',
      async run() {
        const held = await lease(make());
        assert.equal(await held.revoke(), 'revoked');
        assert.equal(await held.revoke(), 'revoked');
        await rejects(held.read({ signal: never() }), 'secret.broker');
      },
    },
    {
      name: 'a lease whose time is over reads nothing, and ends as expired',
      async run() {
        const harness = make();
        const held = await lease(harness, 1000);
        await harness.pass(1000);
        await rejects(held.read({ signal: never() }), 'secret.broker');
        assert.equal(await held.revoke(), 'expired');
      },
    },
    {
      name: 'what is missing, or empty, is not leased',
      async run() {
        const harness = make();
        for (const ref of [harness.missing, harness.empty]) await rejects(harness.broker.lease(ref, { ttlMs: 1000, signal: never() }), 'secret.missing');
      },
    },
    {
      name: 'nothing is leased or read for a caller who gave up',
      async run() {
        const harness = make();
        await assert.rejects(harness.broker.lease(harness.known.ref, { ttlMs: 1000, signal: AbortSignal.abort() }));
        await using held = await lease(harness);
        await assert.rejects(held.read({ signal: AbortSignal.abort() }));
      },
    },
  ];
}

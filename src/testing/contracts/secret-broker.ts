/** Contract of `ports/secret-broker.ts`. */
import assert from 'node:assert/strict';
import { utf8 } from '../../base/bytes.ts';
import type { SecretBroker } from '../../ports/secret-broker.ts';
import { type ContractCase, expectCode } from './contract.ts';

export interface SecretBrokerHarness {
  readonly broker: SecretBroker;
  /** A reference the broker knows, and its value. */
  readonly known: { readonly ref: string; readonly value: string };
  /** References without a value, and with an empty one. */
  readonly missing: string;
  readonly empty: string;
  /** Makes at least `ms` of the broker's clock pass. */
  pass(ms: number): Promise<void>;
}

export function secretBrokerContract(make: () => SecretBrokerHarness): ContractCase[] {
  const { signal } = new AbortController();
  const lease = (subject: SecretBrokerHarness, ttlMs = 1000) => subject.broker.lease(subject.known.ref, { ttlMs, signal });
  return [
    {
      name: 'a lease reads the value as often as asked, until it is revoked',
      run: async () => {
        const subject = make();
        const one = await lease(subject);
        for (const _ of [1, 2]) assert.deepEqual((await one.read({ signal })).reveal(), utf8(subject.known.value));
        assert.equal(await one.revoke(), 'revoked');
        await expectCode(() => one.read({ signal }), ['secret.broker', 'secret.missing']);
      },
    },
    {
      name: 'the secret handed out is a copy: disposing of it leaves the lease alone',
      run: async () => {
        const subject = make();
        const one = await lease(subject);
        (await one.read({ signal }))[Symbol.dispose]();
        assert.deepEqual((await one.read({ signal })).reveal(), utf8(subject.known.value));
        await one.revoke();
      },
    },
    {
      name: 'a lease past its time reads nothing, and says expired',
      run: async () => {
        const subject = make();
        const one = await lease(subject, 50);
        await subject.pass(51);
        await expectCode(() => one.read({ signal }), ['secret.broker', 'secret.missing']);
        assert.equal(await one.revoke(), 'expired');
      },
    },
    {
      name: 'revoke() is idempotent, and disposing of a lease revokes it',
      run: async () => {
        const subject = make();
        const one = await lease(subject);
        await one[Symbol.asyncDispose]();
        assert.equal(await one.revoke(), 'revoked');
        assert.equal(await one.revoke(), 'revoked');
      },
    },
    {
      name: 'leases have names of their own, and no name shows the value',
      run: async () => {
        const subject = make();
        const [one, two] = [await lease(subject), await lease(subject)];
        assert.notEqual(one.leaseId, two.leaseId);
        assert.ok(!one.leaseId.includes(subject.known.value));
        await Promise.all([one.revoke(), two.revoke()]);
      },
    },
    {
      name: 'what is absent or empty is refused as secret.missing',
      run: async () => {
        const subject = make();
        for (const ref of [subject.missing, subject.empty]) await expectCode(() => subject.broker.lease(ref, { ttlMs: 1000, signal }), ['secret.missing']);
      },
    },
    {
      name: 'an aborted signal is obeyed',
      run: async () => {
        const subject = make();
        await assert.rejects(async () => subject.broker.lease(subject.known.ref, { ttlMs: 1000, signal: AbortSignal.abort() }));
      },
    },
  ];
}

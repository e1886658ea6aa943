import assert from 'node:assert/strict';
import { verifyEd25519, verifyP256 } from '../../base/crypto.ts';
import type { Signer } from '../../ports/signer.ts';
import type { ContractCase } from './contract.ts';

/** What every `Signer` keeps. */
export function signerContract(make: () => Signer): ContractCase[] {
  const verify = (signer: Signer, message: Uint8Array, signature: Uint8Array): boolean => (signer.algorithm === 'ed25519' ? verifyEd25519 : verifyP256)({ publicKey: signer.publicKey, message, signature });
  return [
    {
      name: 'a signature verifies with the public key, for that message alone',
      async run() {
        const signer = make();
        for (const message of [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(100_000).fill(7)]) {
          const signature = signer.sign(message);
          assert.ok(verify(signer, message, signature));
          assert.ok(!verify(signer, Uint8Array.of(...message.subarray(0, 10), 9), signature));
          assert.ok(!verify(signer, message, signature.map((byte, i) => (i === signature.byteLength - 1 ? byte ^ 1 : byte))));
        }
      },
    },
    {
      name: 'the key and its name stay the same, and the name says no more than the public key',
      async run() {
        const [one, two] = [make(), make()];
        assert.equal(one.kid, two.kid);
        assert.deepEqual(one.publicKey, two.publicKey);
        assert.match(one.kid, /^(?:ed25519|p256):[0-9a-f]{16}$/);
        assert.equal(one.algorithm === 'ed25519', one.publicKey.byteLength === 32);
      },
    },
  ];
}

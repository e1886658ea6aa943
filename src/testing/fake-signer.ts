/** A signer whose key everybody knows: for tests, never for evidence. */
import { ed25519SigningKey, sha256Hex } from '../base/crypto.ts';
import type { Signer } from '../ports/signer.ts';
import { Faults } from './faults.ts';

export interface FakeSigner extends Signer {
  readonly faults: Faults<'sign'>;
}

export function fakeSigner(seed = 7): FakeSigner {
  const key = ed25519SigningKey(new Uint8Array(32).fill(seed));
  const faults = new Faults<'sign'>();
  return { kid: `ed25519:${sha256Hex(key.publicKey).slice(0, 16)}`, algorithm: 'ed25519', publicKey: key.publicKey, faults, sign: (message) => faults.run('sign', () => key.sign(message)) };
}

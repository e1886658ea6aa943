/** Any bytes as a trust document: a keyset of ours, a signed envelope of the reference, a file of verification keys. */
import { ed25519SigningKey } from '../../src/base/crypto.ts';
import { isCellError } from '../../src/base/errors.ts';
import { makeKeyset, parseTrustFile, verifyKeyset } from '../../src/core/signing/keyset.ts';
import { parseKeysetEnvelopeText, verifyKeysetChain, verifyRevocations } from '../../src/core/signing/keyset-envelope.ts';
import { parseVerifyKeys } from '../../src/core/signing/verify-keys.ts';

const root = ed25519SigningKey(new Uint8Array(32).fill(42));
const keys = new Map([['root', root.publicKey]]);
const keyset = makeKeyset({
  keysetId: 'fuzz',
  epoch: 1,
  producedAt: '2026-01-01T00:00:00Z',
  keys: [{ kid: 'e', algorithm: 'ed25519', purpose: 'event', publicKey: ed25519SigningKey(new Uint8Array(32).fill(1)).publicKey }],
  root: { kid: 'root', sign: root.sign },
});

/** A good keyset to begin mutating from. */
export const seeds: readonly string[] = [new TextDecoder().decode(keyset), '{"k":"A2Dt8aB8KSXfA_eN9I5UX20S9k52oJV7040ICS4aBP4"}'];

function refusedOrNot(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!isCellError(error)) throw error;
  }
}

export default function fuzzKeyset(bytes: Uint8Array): void {
  refusedOrNot(() => verifyKeyset(bytes, keys));
  refusedOrNot(() => parseTrustFile(bytes));
  refusedOrNot(() => parseVerifyKeys(bytes));
  const envelope = parseKeysetEnvelopeText(bytes);
  refusedOrNot(() => verifyKeysetChain([envelope, envelope], { keys, nowNs: 0n }));
  verifyRevocations(envelope, { keys, nowNs: 0n });
}

/** The attestation of a bundle: what verifies is, byte for byte, what was signed. */
import { readFileSync } from 'node:fs';
import { equalBytes, fromBase64Url } from '../../src/base/bytes.ts';
import { p256SigningKey } from '../../src/base/crypto.ts';
import { assert } from '../../src/base/errors.ts';
import { verifyAttestation } from '../../src/core/evidence/bundle.ts';

// A key of this test alone. What it signed is kept in the corpus: a second signature of the same bytes would be another one.
const key = p256SigningKey(fromBase64Url('MEECAQAwEwYHKoZIzj0CAQYIKoZIzj0DAQcEJzAlAgEBBCAHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw') as Uint8Array);
const good = new Uint8Array(readFileSync(new URL('../corpus/attestation/good', import.meta.url)));
const keys = new Map([['b', key.publicKey]]);
verifyAttestation(good, keys);

export default function attestation(bytes: Uint8Array): void {
  verifyAttestation(bytes, keys);
  assert(equalBytes(bytes, good), 'nothing verifies but what was signed');
}

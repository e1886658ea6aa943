/** Any bytes as an authority derivation token: what reads is signed, verified, bound and refused without anything but CellErrors. */
import assert from 'node:assert/strict';
import { toBase64 } from '../../src/base/bytes.ts';
import { ed25519SigningKey } from '../../src/base/crypto.ts';
import { bindingRefusals, derivationPayload, scopeRefusal, signDerivation, verifyDerivation } from '../../src/core/authority/derivation.ts';
import { DERIVATION_TOKEN } from '../../src/core/spec/document-shape.ts';
import { encodeText } from '../../src/core/spec/encode.ts';
import { readTyped } from '../../src/core/spec/read-typed.ts';

const role = ed25519SigningKey(new Uint8Array(32).fill(5));
const key = toBase64(role.publicKey);
const capability = { egressRules: [{ host: 'h', port: 443, protocol: 'tcp' }], secretRefs: ['s'] };

export const seeds: readonly string[] = [encodeText(DERIVATION_TOKEN, signDerivation({ roleRoot: 'r', parentRunId: 'run', leafCapability: capability, derivationSteps: [{ fromCapability: capability, toCapability: capability }] }, role.sign))];

export default function fuzzToken(bytes: Uint8Array): void {
  const token = readTyped(DERIVATION_TOKEN, bytes, 'the token');
  const { leafCapability, roleRoot } = token;
  verifyDerivation({}, token, new Map());
  verifyDerivation(leafCapability, token, new Map([[roleRoot, key]]));
  scopeRefusal(token, { allowUniversal: false });
  bindingRefusals(leafCapability, token, { runId: 'run' });
  derivationPayload(token);
  const signed = signDerivation(token, role.sign);
  assert(verifyDerivation(leafCapability, signed, new Map([[roleRoot, key]])).kind === 'valid', 'what is signed verifies');
  assert(!bindingRefusals(leafCapability, token, { runId: 'run' }).some(({ reason }) => reason === 'wider-than-leaf'), 'a leaf is not wider than itself');
}

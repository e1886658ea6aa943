/** Any bytes as a policy pack and an authorization policy: strict accepts nothing that compatible refuses, and what was read decides the same again. */
import assert from 'node:assert/strict';
import { readYaml } from '../../src/adapters/document/yaml-reader.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { decidePolicy, decisionData, fitsRecord, redecide } from '../../src/core/policy/decision.ts';
import type { PolicyInput } from '../../src/core/policy/policy-input.ts';
import { POLICY_PACK_DOCUMENT } from '../../src/core/policy/policy-shape.ts';
import { checkAuthorizationPolicy, checkPolicyPack, packDigest, parsePolicyPack } from '../../src/core/policy/read-policy.ts';
import { encodeText } from '../../src/core/spec/encode.ts';

const INPUT: PolicyInput = { placement: { poolId: 'p' }, ttlSeconds: 60, memoryMaxBytes: 2 ** 30, egressRules: [{ host: 'a.example', port: 443 }, { host: 'r', port: 53, protocol: 'dns-acknowledged' }], secretDelivery: 'env', limitsDeclared: true, secretRefs: ['X'], caller: 'ci' };

/** Good documents to begin mutating from. */
export const seeds: readonly string[] = [
  '{"apiVersion":"cellos.io/v1","kind":"PolicyPack","spec":{"id":"p","version":"1.2.0","placement":{"poolId":"p"},"rules":{"maxLifetimeTtlSeconds":60,"maxMemoryMaxBytes":1,"maxRunTimeoutMs":1,"requireEgressDeclared":true,"allowedEgressHosts":["*.example","a"],"requireResourceLimits":true,"flagDnsEgressWithoutAcknowledgment":true,"requireDnsEgressJustification":true,"secretRefAllowlist":{"ci":["X"]}}}}',
  '{"apiVersion":"cellos.io/v1","kind":"AuthorizationPolicy","spec":{"subjects":["t"],"allowedPools":["p"],"allowedPolicyPacks":["k"],"maxCellsPerHour":5}}',
  'apiVersion: cellos.io/v1\nkind: PolicyPack\nspec: {id: p, rules: {}}\n',
];

const readerOf = (bytes: Uint8Array) => (bytes[0] === 0x7b ? {} : { reader: readYaml });

/** As a program reads a pack. */
export function once(bytes: Uint8Array): void {
  checkPolicyPack(bytes, readerOf(bytes));
}

export default function fuzzPolicy(bytes: Uint8Array): void {
  checkAuthorizationPolicy(bytes);
  const reader = readerOf(bytes);
  const strict = checkPolicyPack(bytes, reader);
  const compatible = checkPolicyPack(bytes, { ...reader, mode: 'compatible', allowDowngrade: true });
  if (strict.kind === 'ok') assert(compatible.kind === 'ok', 'strict accepts less than compatible');
  if (compatible.kind === 'invalid') {
    assert(compatible.issues.length > 0 && compatible.errorCount > 0, 'a refusal says why');
    for (const { line, column } of compatible.issues) assert(line >= 1 && column >= 1, 'places are counted from 1');
    return;
  }
  const pack = parsePolicyPack(utf8(encodeText(POLICY_PACK_DOCUMENT, compatible.document)), { allowDowngrade: true });
  assert.equal(pack.digest, packDigest(compatible.document), 'what is printed is what was read');
  const decision = decidePolicy({ pack, caller: INPUT.caller }, INPUT, 'sha256:0');
  if (fitsRecord(decision)) assert.equal(redecide(decisionData(decision)).kind, 'same', 'decided again, it comes out otherwise');
}

/**
 * Authority derivation tokens: a grantor signs, for a role, the most that a document may claim (reference/01 §8).
 *
 *   DT1  `verifyDerivation` gives the reference's verdict, its checks in their order. It proves that the leaf was granted, and no more: a leaf
 *        narrower than the document passes;
 *   DT2  ours beside it: `bindingRefusals` demands that the document claims no more than the leaf, that the token is for this run, that every
 *        step narrows and the last one ends at the leaf. A start that is hardened demands both;
 *   DT3  keys and signatures are strict: padded standard base64 in its one form, 32 and 64 bytes, no point of small order.
 *
 * LIMIT: a token has no end, no audience and no nonce; `parentRunId` is all that binds it.
 */
import { type Bytes, fromBase64, toBase64 } from '../../base/bytes.ts';
import { canonicalBytes } from '../../base/canonical-json.ts';
import { verifyEd25519 } from '../../base/crypto.ts';
import { jsonObject, type JsonObject } from '../../base/json.ts';
import type { AuthorityCapability, AuthorityDerivationToken, DerivationStep, EgressRule } from '../spec/document.ts';
import { exceeds, type Grant, isSuperset } from './capability.ts';

/** Deepest derivation that is looked at: more steps than anybody delegates. */
export const DERIVATION_STEPS_MAX = 64;

export type DerivationRefusal =
  | 'leaf-egress'
  | 'leaf-secrets'
  | 'unknown-role'
  | 'key-base64'
  | 'key-length'
  | 'signature-base64'
  | 'signature-length'
  | 'signature';

export type DerivationVerdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'refused'; readonly reason: DerivationRefusal; readonly message: string; /** Lengths of the lists compared, for the first two. */ readonly declared?: number; readonly claimed?: number };

function ruleJson({ host, port, protocol, dnsEgressJustification }: EgressRule): JsonObject {
  return jsonObject({ host, port, protocol: protocol ?? null, dnsEgressJustification });
}

/** The bytes a grantor signs: sorted compact JSON of role, parent run and leaf (reference/01 §8.2). The steps are not in it. */
export function derivationPayload({ leafCapability, parentRunId, roleRoot }: Pick<AuthorityDerivationToken, 'leafCapability' | 'parentRunId' | 'roleRoot'>): Bytes {
  const leaf = jsonObject({ egressRules: leafCapability.egressRules.map(ruleJson), secretRefs: [...leafCapability.secretRefs] });
  return canonicalBytes(jsonObject({ leafCapability: leaf, parentRunId: parentRunId ?? null, roleRoot }));
}

export interface DerivationGrant {
  readonly roleRoot: string;
  /** The run the token is for; without one it is universal, and most starts refuse it. */
  readonly parentRunId?: string;
  readonly derivationSteps?: readonly DerivationStep[];
  readonly leafCapability: AuthorityCapability;
}

/** @param sign Ed25519 by the key of the role */
export function signDerivation(grant: DerivationGrant, sign: (message: Bytes) => Bytes): AuthorityDerivationToken {
  const token = { derivationSteps: [], ...grant };
  return { ...token, grantorSignature: { algorithm: 'ed25519', bytes: toBase64(sign(derivationPayload(token))) } };
}

const refused = (reason: DerivationRefusal, message: string): DerivationVerdict => ({ kind: 'refused', reason, message });

function beyondDeclared(spec: Grant, leaf: AuthorityCapability): DerivationVerdict | undefined {
  const half = exceeds(spec, leaf);
  if (half === undefined) return undefined;
  const list = half === 'egress' ? 'egressRules' : 'secretRefs';
  const counts = { declared: spec[list]?.length ?? 0, claimed: leaf[list].length };
  return { kind: 'refused', reason: half === 'egress' ? 'leaf-egress' : 'leaf-secrets', message: `the leaf of the derivation token holds ${list} that spec.authority does not`, ...counts };
}

/**
 * @param spec what the document claims
 * @param roleKeys role → standard base64 of its Ed25519 public key
 */
export function verifyDerivation(spec: Grant, token: AuthorityDerivationToken, roleKeys: ReadonlyMap<string, string>): DerivationVerdict {
  const { roleRoot, leafCapability, grantorSignature } = token;
  const wider = beyondDeclared(spec, leafCapability);
  if (wider !== undefined) return wider;
  const keyText = roleKeys.get(roleRoot);
  if (keyText === undefined) return refused('unknown-role', `no key is known for the role "${roleRoot}"`);
  const publicKey = fromBase64(keyText);
  if (publicKey === undefined) return refused('key-base64', `the key of the role "${roleRoot}" is not padded standard base64`);
  if (publicKey.byteLength !== 32) return refused('key-length', `the key of the role "${roleRoot}" has ${publicKey.byteLength} bytes, not 32`);
  const signature = fromBase64(grantorSignature.bytes);
  if (signature === undefined) return refused('signature-base64', 'the signature of the grantor is not padded standard base64');
  if (signature.byteLength !== 64) return refused('signature-length', `the signature of the grantor has ${signature.byteLength} bytes, not 64`);
  if (!verifyEd25519({ publicKey, message: derivationPayload(token), signature })) return refused('signature', `the signature of the grantor is not one of the role "${roleRoot}"`);
  return { kind: 'valid' };
}

/** May a token without a parent run be used? @returns why not */
export function scopeRefusal(token: Pick<AuthorityDerivationToken, 'parentRunId'>, options: { allowUniversal: boolean }): string | undefined {
  if (token.parentRunId !== undefined || options.allowUniversal) return undefined;
  return 'the derivation token is for any run: it has no parentRunId; CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS=0 lets it through, with an event that says so';
}

/** `CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS`: only these words, in any case, let a universal token through. */
export function allowsUniversalTokens(setting: string | undefined): boolean {
  return ['0', 'false', 'no', 'off'].includes(setting?.trim().toLowerCase() ?? '');
}

export type BindingRefusal = { readonly reason: 'wider-than-leaf' | 'other-run' | 'step-widens' | 'step-gap' | 'step-end' | 'too-many-steps'; readonly message: string };

function stepRefusals({ derivationSteps, leafCapability }: Pick<AuthorityDerivationToken, 'derivationSteps' | 'leafCapability'>): BindingRefusal[] {
  if (derivationSteps.length > DERIVATION_STEPS_MAX) return [{ reason: 'too-many-steps', message: `the derivation has ${derivationSteps.length} steps; at most ${DERIVATION_STEPS_MAX} are taken` }];
  const found: BindingRefusal[] = [];
  let held: AuthorityCapability | undefined;
  for (const [i, { fromCapability, toCapability }] of derivationSteps.entries()) {
    if (held !== undefined && !isSuperset(held, fromCapability)) found.push({ reason: 'step-gap', message: `step ${i} of the derivation begins with more than the step before it gave` });
    if (!isSuperset(fromCapability, toCapability)) found.push({ reason: 'step-widens', message: `step ${i} of the derivation gives more than it has` });
    held = toCapability;
  }
  if (held !== undefined && !(isSuperset(held, leafCapability) && isSuperset(leafCapability, held))) found.push({ reason: 'step-end', message: 'the last step of the derivation does not end at the leaf that is signed' });
  return found;
}

/** What a token that verifies still does not prove [DT2]. Empty when it binds this document to this run. */
export function bindingRefusals(spec: Grant, token: AuthorityDerivationToken, run: { readonly runId: string }): readonly BindingRefusal[] {
  const found: BindingRefusal[] = [];
  if (!isSuperset(token.leafCapability, spec)) found.push({ reason: 'wider-than-leaf', message: 'spec.authority claims more than the leaf of its derivation token grants' });
  if (token.parentRunId !== undefined && token.parentRunId !== run.runId) found.push({ reason: 'other-run', message: `the derivation token is for the run "${token.parentRunId}", not for "${run.runId}"` });
  return [...found, ...stepRefusals(token)];
}

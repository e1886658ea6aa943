/** Policy decisions as a run records them, made by the rules of the second verifier where a case does not say otherwise. */
import type { EventDraft, Plain } from './builder.ts';
import { digestOfPack } from './policy.ts';
import { INPUT, json, PACK, SPEC_HASH } from './drafts.ts';

export interface DecisionDraft {
  readonly [key: string]: Plain;
}

export function decision(rest: { readonly [key: string]: Plain } = {}): DecisionDraft {
  const pack = rest['pack'] ?? PACK;
  return { allowDowngrade: false, applied: true, input: INPUT, pack, packDigest: digestOfPack(json(pack)), packFileHash: 'f'.repeat(64), specHash: SPEC_HASH, v: 1, verdict: 'admitted', violations: [], ...rest };
}

export const GOOD_DECISION = decision();
export const REFUSED_DECISION = decision({ input: { ...INPUT, ttlSeconds: 61 }, verdict: 'refused', violations: [{ path: 'spec.lifetime.ttlSeconds', rule: 'maxLifetimeTtlSeconds' }] });

export const decided = (value: Plain, rest: Partial<EventDraft> = {}): EventDraft => ({ type: 'policy.v1.decided', data: { decision: value }, ...rest });

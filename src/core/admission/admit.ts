/**
 * The only mint of `Admission`: a document that may be planned.
 *
 *   A1  nothing but `admit` makes an Admission: the brand is private to this file;
 *   A2  a refusal is a value that lists every violation, and is recorded before anything is made.
 *
 * LIMIT: policy packs, authorization policies and derivation tokens are not decided here yet; what a document asks of them is refused by
 * the planner, never waved through.
 */
import type { SpecDocument } from '../spec/document.ts';
import { isReservedVariable } from '../spec/names.ts';

declare const admitted: unique symbol;

/** A document whose admission was decided. */
export interface Admission {
  readonly [admitted]: true;
  readonly document: SpecDocument;
  /** Wall clock of the decision, ms since 1970. */
  readonly admittedAtMs: number;
}

export interface Violation {
  readonly rule: string;
  readonly message: string;
}

export type AdmissionVerdict = { readonly kind: 'admitted'; readonly admission: Admission } | { readonly kind: 'refused'; readonly violations: readonly Violation[] };

/** Decides whether a parsed document may be planned. Pure. @param input.commands `caller`: commands come one by one, the document needs none */
export function admit(input: { document: SpecDocument; commands?: 'document' | 'caller'; nowMs: number }): AdmissionVerdict {
  const { spec } = input.document.document;
  const violations: Violation[] = [];
  if (spec.run === undefined && input.commands !== 'caller') {
    violations.push({ rule: 'run.required', message: 'spec.run is missing: there is no command to run; add spec.run.argv' });
  }
  if (BigInt(spec.lifetime.ttlSeconds) === 0n) {
    violations.push({ rule: 'lifetime.positive', message: 'spec.lifetime.ttlSeconds is 0: the cell would end before it starts; give it at least 1' });
  }
  if (spec.run?.secretDelivery === 'env') {
    for (const ref of new Set([...(spec.authority.secretRefs ?? []), ...(spec.identity === undefined ? [] : [spec.identity.secretRef])])) {
      if (isReservedVariable(ref)) violations.push({ rule: 'secrets.reserved-name', message: `the secret ${ref} would set the variable ${ref}, which is reserved; name it otherwise, or deliver it by runtimeBroker` });
    }
  }
  if (violations.length > 0) return { kind: 'refused', violations };
  const admission = { document: input.document, admittedAtMs: input.nowMs } as Omit<Admission, typeof admitted> as Admission;
  return { kind: 'admitted', admission };
}

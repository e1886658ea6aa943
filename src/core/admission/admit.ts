/**
 * The only mint of `Admission`: a document that may be planned.
 *
 *   A1  nothing but `admit` makes an Admission: the brand is private to this file;
 *   A2  a refusal is a value that lists every violation, and nothing is made; whoever asked for the run records it.
 *
 *   A3  a pack or an authorization policy that is given decides; its decision is part of the admission, for the evidence.
 *
 * LIMIT: derivation tokens are not decided here yet; what a document asks of them is refused by the planner, never waved through.
 */
import { LIMITS } from '../../base/limits.ts';
import { decidePolicy, fitsRecord, type PolicyDecision, type PolicyGate } from '../policy/decision.ts';
import { type AskedLimits, policyInputOf } from '../policy/policy-input.ts';
import type { ExecutionCellSpec, SpecDocument } from '../spec/document.ts';
import { isReservedVariable } from '../spec/names.ts';

declare const admitted: unique symbol;

/** A document whose admission was decided. */
export interface Admission {
  readonly [admitted]: true;
  readonly document: SpecDocument;
  /** Wall clock of the decision, ms since 1970. */
  readonly admittedAtMs: number;
  /** What policy decided; undefined when there was none. */
  readonly policy?: PolicyDecision;
}

export interface Violation {
  readonly rule: string;
  readonly message: string;
}

export type AdmissionVerdict = { readonly kind: 'admitted'; readonly admission: Admission } | { readonly kind: 'refused'; readonly violations: readonly Violation[]; readonly policy?: PolicyDecision };

/** Seconds between SIGTERM and SIGKILL that make sense (reference/01 §3.5). */
const GRACE_SECONDS_MAX = 120;

/** What a document read in compatible mode may still hold, and no cell can be run with. */
function runViolations({ run, authority, identity }: ExecutionCellSpec, commands: 'document' | 'caller'): Violation[] {
  if (run === undefined) return commands === 'caller' ? [] : [{ rule: 'run.required', message: 'spec.run is missing: there is no command to run; add spec.run.argv' }];
  const violations: Violation[] = [];
  const grace = run.limits?.gracefulShutdownSeconds;
  if (grace !== undefined && (grace < 1 || grace > GRACE_SECONDS_MAX)) violations.push({ rule: 'limits.grace', message: `spec.run.limits.gracefulShutdownSeconds is ${grace}: give it from 1 to ${GRACE_SECONDS_MAX}` });
  if (run.workingDirectory?.includes('\0') === true) violations.push({ rule: 'run.working-directory', message: 'spec.run.workingDirectory holds a NUL character, at which it would be cut off' });
  if (run.secretDelivery !== 'env') return violations;
  for (const ref of new Set([...(authority.secretRefs ?? []), ...(identity === undefined ? [] : [identity.secretRef])])) {
    if (isReservedVariable(ref)) violations.push({ rule: 'secrets.reserved-name', message: `the secret ${ref} would set the variable ${ref}, which is reserved; name it otherwise, or deliver it by runtimeBroker` });
  }
  return violations;
}

export interface AdmissionInput {
  readonly document: SpecDocument;
  /** `caller`: commands come one by one, the document needs none. */
  readonly commands?: 'document' | 'caller';
  /** A cell without time is taken, whose command then never starts. */
  readonly zeroTtl?: boolean;
  readonly nowMs: number;
  readonly policy?: PolicyGate;
  /** Limits asked beside the document. */
  readonly asked?: AskedLimits;
}

/** Decides whether a parsed document may be planned. Pure. */
export function admit(input: AdmissionInput): AdmissionVerdict {
  const { spec } = input.document.document;
  const violations = runViolations(spec, input.commands ?? 'document');
  if (BigInt(spec.lifetime.ttlSeconds) === 0n && input.zeroTtl !== true) {
    violations.push({ rule: 'lifetime.positive', message: 'spec.lifetime.ttlSeconds is 0: the cell would end before it starts; give it at least 1' });
  }
  const { policy: gate } = input;
  const decision = gate === undefined ? undefined : decidePolicy(gate, policyInputOf(spec, input.asked, gate.caller), input.document.specHash);
  const policy = decision === undefined ? {} : { policy: decision };
  for (const { rule, path, message } of decision?.violations ?? []) violations.push({ rule, message: `${path} ${message}` });
  if (decision?.verdict === 'admitted' && !fitsRecord(decision)) violations.push({ rule: 'policy.record-size', message: `spec asks so much that the policy decision would not fit into a record of ${LIMITS.policyRecordBytesMax} bytes` });
  if (violations.length > 0) return { kind: 'refused', violations, ...policy };
  const admission = { document: input.document, admittedAtMs: input.nowMs, ...policy } as Omit<Admission, typeof admitted> as Admission;
  return { kind: 'admitted', admission };
}

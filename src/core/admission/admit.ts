/**
 * The only mint of `Admission`: a document that may be planned.
 *
 *   A1  nothing but `admit` makes an Admission: the brand is private to this file;
 *   A2  a refusal is a value that lists every violation, and nothing is made; whoever asked for the run records it.
 *
 * LIMIT: policy packs, authorization policies and derivation tokens are not decided here yet; what a document asks of them is refused by
 * the planner, never waved through.
 */
import type { ExecutionCellSpec, SpecDocument } from '../spec/document.ts';
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

/** Decides whether a parsed document may be planned. Pure. @param input.commands `caller`: commands come one by one, the document needs none; `zeroTtl`: a cell without time is taken, whose command then never starts */
export function admit(input: { document: SpecDocument; commands?: 'document' | 'caller'; zeroTtl?: boolean; nowMs: number }): AdmissionVerdict {
  const { spec } = input.document.document;
  const violations = runViolations(spec, input.commands ?? 'document');
  if (BigInt(spec.lifetime.ttlSeconds) === 0n && input.zeroTtl !== true) {
    violations.push({ rule: 'lifetime.positive', message: 'spec.lifetime.ttlSeconds is 0: the cell would end before it starts; give it at least 1' });
  }
  if (violations.length > 0) return { kind: 'refused', violations };
  const admission = { document: input.document, admittedAtMs: input.nowMs } as Omit<Admission, typeof admitted> as Admission;
  return { kind: 'admitted', admission };
}

/**
 * What a workload says it will use, held against what it was given (reference/01 §10.4).
 *
 *   S1  egress is looked at first, in order, then secret references: the first that was not given is the refusal;
 *   S2  names looked up count for nothing here; `unlistedQueries` says which of them the allowlist does not hold, as a warning;
 *   S3  linear in both lists.
 */
import type { FactValue } from '../../base/errors.ts';
import { hostAllowlist } from '../egress/names.ts';
import type { AuthorityCapability } from '../spec/document.ts';
import { EGRESS_RULE } from '../spec/document-shape.ts';
import { quoted } from '../spec/issues.ts';
import { ruleKey } from './capability.ts';
import { defaulted, list, record, STRING, type TypeOf } from '../spec/shape.ts';

export const DECLARED_SURFACE = record({ egressRules: defaulted(list(EGRESS_RULE), []), secretRefs: defaulted(list(STRING), []), dnsQueries: defaulted(list(STRING), []) });
export type DeclaredSurface = TypeOf<typeof DECLARED_SURFACE>;

export interface SurfaceRefusal {
  readonly reason: 'egress' | 'secret';
  readonly message: string;
  readonly facts: Readonly<Record<string, FactValue>>;
}

export function isEmptySurface({ egressRules, secretRefs, dnsQueries }: DeclaredSurface): boolean {
  return egressRules.length === 0 && secretRefs.length === 0 && dnsQueries.length === 0;
}

/** @returns what was declared but not given, or undefined [S1] */
export function surfaceRefusal(declared: DeclaredSurface, authorized: AuthorityCapability): SurfaceRefusal | undefined {
  const rules = new Set(authorized.egressRules.map(ruleKey));
  for (const [i, rule] of declared.egressRules.entries()) {
    if (rules.has(ruleKey(rule))) continue;
    const { host, port, protocol } = rule;
    const over = protocol === undefined ? 'no protocol' : `protocol ${quoted(protocol)}`;
    return { reason: 'egress', message: `egressRules[${i}] declares ${quoted(host)}, port ${port}, ${over}, which was not given`, facts: { host, port, protocol: protocol ?? null } };
  }
  const refs = new Set(authorized.secretRefs);
  for (const [i, ref] of declared.secretRefs.entries()) {
    if (!refs.has(ref)) return { reason: 'secret', message: `secretRefs[${i}] declares ${quoted(ref)}, which was not given`, facts: { secretRef: ref } };
  }
  return undefined;
}

/** Names it says it will look up that the allowlist does not hold, in order [S2]. */
export function unlistedQueries(declared: DeclaredSurface, hostnameAllowlist: readonly string[]): readonly string[] {
  const allows = hostAllowlist(hostnameAllowlist);
  return declared.dnsQueries.filter((name) => !allows(name));
}

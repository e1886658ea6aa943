/**
 * What one authority may give to another: the subset test of reference/01 §8.3 step 1 and §8.5, over sets, so that it stays linear.
 *
 *   CP1  rules that grant the same are equal: the justification does not count, case in a host does not, and an absent protocol is not `tcp`;
 *   CP2  nothing is expanded: a wildcard host holds itself only.
 */
import { asciiLower } from '../egress/names.ts';
import type { AuthorityBundle, AuthorityCapability, EgressRule } from '../spec/document.ts';

/** Anything that grants egress and secrets; what is absent grants nothing. */
export type Grant = Pick<AuthorityBundle, 'egressRules' | 'secretRefs'>;

/** Equal for rules that grant the same [CP1]. */
export function ruleKey(rule: EgressRule): string {
  return JSON.stringify([asciiLower(rule.host), rule.port, rule.protocol ?? null]);
}

/** What of `child` lies beyond `parent`, in the order it stands there. */
export function beyond(parent: Grant, child: Grant): AuthorityCapability {
  const rules = new Set((parent.egressRules ?? []).map(ruleKey));
  const refs = new Set(parent.secretRefs ?? []);
  return {
    egressRules: (child.egressRules ?? []).filter((rule) => !rules.has(ruleKey(rule))),
    secretRefs: (child.secretRefs ?? []).filter((ref) => !refs.has(ref)),
  };
}

/** Which half of `child` goes beyond `parent`: egress is looked at first. */
export function exceeds(parent: Grant, child: Grant): 'egress' | 'secrets' | undefined {
  const { egressRules, secretRefs } = beyond(parent, child);
  if (egressRules.length > 0) return 'egress';
  return secretRefs.length > 0 ? 'secrets' : undefined;
}

/** Does `parent` grant all that `child` does? */
export function isSuperset(parent: Grant, child: Grant): boolean {
  return exceeds(parent, child) === undefined;
}

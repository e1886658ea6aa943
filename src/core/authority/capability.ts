/** What one authority may give to another: the subset test of reference/01 §8.3 step 1 and §8.5, over sets, so that it stays linear. */
import { asciiLower } from '../egress/names.ts';
import type { AuthorityBundle, AuthorityCapability, EgressRule } from '../spec/document.ts';

/** Equal for rules that grant the same: the justification does not count, and an absent protocol is not the protocol `tcp`. */
function ruleKey(rule: EgressRule): string {
  return JSON.stringify([asciiLower(rule.host), rule.port, rule.protocol ?? null]);
}

type Grant = Pick<AuthorityBundle, 'egressRules' | 'secretRefs'>;

/** Which half of `child` goes beyond `parent`: egress is looked at first. */
export function exceeds(parent: Grant, child: AuthorityCapability): 'egress' | 'secrets' | undefined {
  const rules = new Set((parent.egressRules ?? []).map(ruleKey));
  if (!child.egressRules.every((rule) => rules.has(ruleKey(rule)))) return 'egress';
  const refs = new Set(parent.secretRefs ?? []);
  return child.secretRefs.every((ref) => refs.has(ref)) ? undefined : 'secrets';
}

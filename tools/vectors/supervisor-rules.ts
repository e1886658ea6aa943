/** The reference's texts of the supervisor, once, and what of ours says the same: the rule of a start that was refused, or the form of a text in an event. */
import assert from 'node:assert/strict';
import type { SupervisorRule } from '../../src/config/supervisor-problem.ts';
import type { SpecRule } from '../../src/core/spec/issues.ts';
import { sameRule } from './spec.ts';

/** Why a start ended. */
const START_RULES: readonly (readonly [RegExp, SupervisorRule | 'secret-usage' | 'secret-unset' | 'secret-unreachable' | 'secret-refused' | 'secret-no-answer'])[] = [
  [/^CELLOS_DEPLOYMENT_PROFILE: unknown profile/, 'profile-unknown'],
  [/^CELLOS_DEPLOYMENT_PROFILE=\w+ enforces isolation/, 'isolation-missing'],
  [/^CELLOS_DEPLOYMENT_PROFILE=hardened requires CELLOS_AUTHORITY_KEYS_PATH/, 'profile-keys-path'],
  [/^CELLOS_DEPLOYMENT_PROFILE=airgapped requires event signing/, 'profile-signing'],
  [/^CELLOS_DEPLOYMENT_PROFILE=airgapped requires CELLOS_SPOOL_DIR/, 'profile-spool'],
  [/^CELLOS_DEPLOYMENT_PROFILE=airgapped .*CELL_OS_USE_NOOP_SINK/s, 'profile-noop'],
  [/^read cell spec/, 'spec-unreadable'],
  [/^CELLOS_REQUIRE_AUTHORITY_DERIVATION is set/, 'derivation-required'],
  [/^CELLOS_REQUIRE_TELEMETRY_DECLARED is set/, 'telemetry-required'],
  [/^CELLOS_K8S_NAMESPACE=/, 'namespace-mismatch'],
  [/^CELLOS_AUTHORITY_KEYS_PATH: /, 'authority-keys'],
  [/parentRunId.*(?:null|universal)|universal.*token/is, 'derivation-universal'],
  [/^invalid cell specification: (?:authority derivation|unknown role)/, 'derivation-invalid'],
  [/^CELL_OS_REQUIRE_JETSTREAM is set/, 'jetstream-required'],
  [/^CELLOS_STRICT_CONFIG is set/, 'strict-config'],
  [/is set but CELLOS_TRUST_VERIFY_KEYS_PATH is unset/, 'verify-keys-unset'],
  [/^CELLOS_TRUST_VERIFY_KEYS_PATH: /, 'verify-keys'],
  [/^CELLOS_REQUIRE_AUTHORITY_CEILING is set|CELLOS_AUTHORITY_CEILING_PATH is unset/, 'ceiling-unset'],
  [/^CELLOS_AUTHORITY_CEILING_PATH: ceiling_epoch_stale/, 'ceiling-stale'],
  [/^CELLOS_AUTHORITY_CEILING_(?:ANCHOR_)?PATH: /, 'ceiling-invalid'],
  [/^authority ceiling: .*authority_exceeds_ceiling/s, 'ceiling-exceeded'],
  [/^authority ceiling: .*uncomparable/s, 'ceiling-uncomparable'],
  [/under CELLOS_REQUIRE_TRUST_VERIFY_KEYS/, 'keyset-invalid'],
  [/^CELLOS_POLICY_PACK_PATH: cannot read/, 'policy-unreadable'],
  [/^CELLOS_POLICY_PACK_PATH: JSON parse error/, 'policy-syntax'],
  [/^CELLOS_POLICY_PACK_PATH: /, 'policy-invalid'],
  [/^cell spec rejected by policy pack/, 'policy-rejected'],
  [/^CELLOS_AUTHZ_POLICY_PATH: /, 'authz-unreadable'],
  [/^cell spec rejected by authorization policy/, 'authz-rejected'],
  [/^CELLOS_REQUIRE_HOST_BASELINE/, 'host-baseline'],
  [/^CELL_OS_REQUIRE_(?:HTTP|S3)_EXPORT is set|^(?:HTTP|S3) export is required/, 'export-url-required'],
  [/^CELLOS_EXPORT_(?:HTTP|S3)_\w+ must be|export base URL|presigned URL/, 'export-setting'],
  [/^export sink: (?:CELLOS_|invalid|HTTP base URL|S3 presigned)/, 'export-setting'],
  [/^(?:cell create|host backend): /, 'cell-create'],
  [/^reconcile: durable spool chain is corrupt|spool (?:open|append)/, 'spool-broken'],
  [/^usage: cellos-supervisor secret get/, 'secret-usage'],
  [/^CELLOS_RUNTIME_SECRET_(?:SOCKET|TOKEN) not set/, 'secret-unset'],
  [/^connect runtime secret socket/, 'secret-unreachable'],
  [/^(?:unauthorized|unknown secret key|secret expired)/, 'secret-refused'],
  [/^runtime secret broker returned empty response/, 'secret-no-answer'],
];

/** Texts of a run: in `Error:`, in `reason`, in `spawnError`. */
const RUN_TEXTS: readonly (readonly [RegExp, RegExp])[] = [
  [/^command exited with status (\d+)$/, /^The command ended with status (\d+)$/],
  [/^command exited with status -1$/, /^The command was ended by SIG[A-Z]+$/],
  [/^command timed out after (\d+) ms \((spec\.run\.timeoutMs|CELLOS_RUN_TIMEOUT_MS)\)$/, /^the command took longer than (\d+) ms \((spec\.run\.timeoutMs|CELLOS_RUN_TIMEOUT_MS)\)$/],
  [/^cell killed by TTL watchdog after (\d+) ms \(ttl_seconds=(\d+)\)$/, /^the time to live of the cell was over after (\d+) ms \(spec\.lifetime\.ttlSeconds (\d+)\)$/],
  [/^(?:spec\.run spawn failed: )?([A-Z][^:]+ \(os error \d+\))$/, /^([A-Z][^:]+ \(os error \d+\))$/],
  [/^CELLOS_RUN_TIMEOUT_MS must be > 0$/, /^CELLOS_RUN_TIMEOUT_MS is 0: /],
  [/^invalid CELLOS_RUN_TIMEOUT_MS: /, /^CELLOS_RUN_TIMEOUT_MS is "/],
  [/^seccomp: CELLOS_SUBPROCESS_SECCOMP must be one of/, /^seccomp: CELLOS_SUBPROCESS_SECCOMP is "/],
  [/^seccomp: CELLOS_SUBPROCESS_SECCOMP=baseline cannot be combined/, /^seccomp: CELLOS_SUBPROCESS_SECCOMP asks for the built-in filter/],
  [/^seccomp: .*(?:CELLOS_SECCOMP_BPF_PATH|bpf|BPF|sock_filter)/s, /^seccomp: /],
  [/^CELLOS_CGROUP_PARENT: /, /^CELLOS_CGROUP_PARENT /],
  [/^CELLOS_RUN_ARGV0_ALLOW_PREFIXES is set but argv\[0\] is not an absolute path/, /^CELLOS_RUN_ARGV0_ALLOW_PREFIXES is set, so the program has to be an absolute path/],
  [/^CELLOS_RUN_ARGV0_ALLOW_PREFIXES/, /^CELLOS_RUN_ARGV0_ALLOW_PREFIXES does not allow/],
  [/^secret (\S+) unresolvable via \w+ broker: .*not set/s, /^Cannot get secret "([^"]+)": the variable \S+ is not set$/],
  [/^secret (\S+) unresolvable via \w+ broker$/, /^Cannot get secret "([^"]+)": .*empty$/],
  [/^secret (\S+) unresolvable via \w+ broker: /, /^Cannot get secret "([^"]+)": /],
  [/^identity \S+ unresolvable via \w+ broker/, /^Cannot get secret "/],
  [/^runtime leased broker prepare/, /^Cannot lease secret "/],
  [/^export sink: export requested for artifact "([^"]+)" but no export sink is configured$/, /^Cannot export "([^"]+)": no place to put it is set/],
  [/^export sink: export copy -> .*No such file or directory/s, /^Cannot export "[^"]+": .*it does not exist$/],
  [/^export sink: export copy -> .*File exists/s, /^Cannot export "[^"]+" .*there is a file of this name already/],
  [/^export sink: export copy -> .*Is a directory/s, /^Cannot export "[^"]+": .*it is a folder$/],
  [/^export sink: (?:http|s3) put \S+ returned (\d+) /, /^Cannot upload "[^"]+" to \S+: the server answered (\d+) /],
  [/^export sink: (?:http|s3) put /, /^Cannot upload "[^"]+" to /],
  [/^export sink: (?:export )?read artifact/, /^Cannot export "/],
  [/^(?:primary|jsonl) sink emit: /, /^The (?:primary|mirror) event sink refused an event: /],
  [/^event sink: /, /^Cannot (?:write events to|add to the audit chain|publish an event) /],
  [/^universal authority derivation token/, /^The authority token names no parent run/],
  [/^remove CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS=0/, /^Issue the token for one run/],
];

const PREFIXES: readonly (readonly [string, RegExp])[] = [['command spawn: ', /^Cannot run the command: /]];

/** Do two texts of a run say the same? What both name, numbers and names, has to be the same too. */
export function sameRunText(actual: string, expected: string): void {
  if (actual === expected) return;
  for (const [theirs, ours] of PREFIXES) {
    if (!expected.startsWith(theirs)) continue;
    assert.match(actual, ours);
    sameRunText(actual.replace(ours, ''), expected.slice(theirs.length));
    return;
  }
  const row = RUN_TEXTS.find(([theirs]) => theirs.test(expected));
  assert.ok(row !== undefined, `no text of ours is known for: ${expected} (ours: ${actual})`);
  const [their, our] = [row[0].exec(expected), row[1].exec(actual)];
  assert.ok(our !== null, `${expected} → ${actual}`);
  // Where only one of them names a thing, there is nothing to compare.
  for (let at = 1; at < Math.min(their?.length ?? 0, our.length); at += 1) assert.equal(our[at], their?.[at]);
}

/** One `Error:` line of ours against one of the reference: the rule of a start, or the text of a run. */
export function sameErrorLine(actual: string, expected: string): void {
  const rule = /^(.*) \[([^\]]+)\]$/s.exec(actual)?.[2];
  if (rule === undefined) {
    sameRunText(actual, expected);
    return;
  }
  const start = START_RULES.find(([pattern]) => pattern.test(expected))?.[1];
  if (start === undefined && rule.startsWith('spec.')) {
    sameRule(rule.slice('spec.'.length) as SpecRule, expected.startsWith('parse ExecutionCellDocument') ? 'parse' : expected);
    return;
  }
  assert.ok(start !== undefined, `no rule of ours is known for: ${expected} (ours: ${rule})`);
  assert.equal(rule, start, actual);
}

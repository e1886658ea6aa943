/**
 * What is wrong with the settings of a supervisor, and at which step of its start the reference would stop because of it. All are told at once,
 * the first to stop at before the others.
 */

/** Steps of the start that a setting can end, in order (reference/03 §2). */
export const START_STEPS = ['profile', 'isolation', 'gates', 'authority-keys', 'transport', 'backend', 'broker', 'export', 'features'] as const;
export type StartStep = (typeof START_STEPS)[number];

/** Closed: what operators and tests branch on. */
export type SupervisorRule =
  | 'profile-unknown'
  | 'profile-keys-path'
  | 'profile-signing'
  | 'profile-spool'
  | 'profile-noop'
  | 'profile-seccomp-off'
  | 'isolation-missing'
  | 'backend-unavailable'
  | 'broker-unavailable'
  | 'export-url-required'
  | 'export-setting'
  | 'export-collision'
  | 'feature-unavailable'
  | 'spec-unreadable'
  | 'spec-syntax'
  | 'spec-invalid'
  | 'derivation-required'
  | 'telemetry-required'
  | 'namespace-mismatch'
  | 'authority-keys'
  | 'derivation-invalid'
  | 'derivation-universal'
  | 'derivation-other-run'
  | 'jetstream-required'
  | 'strict-config'
  | 'verify-keys'
  | 'verify-keys-unset'
  | 'ceiling-unset'
  | 'ceiling-invalid'
  | 'ceiling-stale'
  | 'ceiling-exceeded'
  | 'ceiling-uncomparable'
  | 'keyset-invalid'
  | 'policy-unreadable'
  | 'policy-syntax'
  | 'policy-invalid'
  | 'policy-rejected'
  | 'authz-unreadable'
  | 'authz-rejected'
  | 'host-baseline'
  | 'spool-broken'
  | 'not-admitted'
  | 'not-enforceable'
  | 'cell-create';

export interface StartProblem {
  readonly step: StartStep;
  readonly rule: SupervisorRule;
  readonly message: string;
}

/** A value that is passed over for a default; an error when the configuration is strict. */
export interface ConfigWarning {
  readonly variable: string;
  /** Never key material, and no URL with what it may hold of a password or a signature. */
  readonly value: string;
  readonly reason: string;
}

/**
 * What admits a run by policy: the authorization policy, then the policy pack (reference/03 §2, steps 18 and 20).
 *
 *   PO1  what is configured and cannot be read refuses: nothing is waved through;
 *   PO2  a refusal is an event before it is an error. Where receipts are required, one that cannot be delivered is the error;
 *   PO3  under `hardened` a pack is strict, its list of secrets for each caller is kept, and the pack in force has to be one that is allowed.
 */
import { trustFiles } from '../../adapters/os/trust-files.ts';
import type { Bytes } from '../../base/bytes.ts';
import { isCellError, messageOf } from '../../base/errors.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { SupervisorRule } from '../../config/supervisor-problem.ts';
import { authzRejectedData, policyRejectedData } from '../../core/events/authority.ts';
import { type AuthorizationPolicy, authorize, authorizeFacts, parseAuthorizationPolicy } from '../../core/policy/authorization.ts';
import { evaluatePack, type PolicyViolation, secretRefusal } from '../../core/policy/evaluate.ts';
import { parsePolicyPack, type PolicyPack } from '../../core/policy/pack.ts';
import type { ExecutionCellSpec } from '../../core/spec/document.ts';
import type { EventStream } from '../../runtime/stream/event-stream.ts';
import { asRefusal, startRefused } from './start-refused.ts';

export interface Policies {
  readonly pack: PolicyPack | undefined;
  readonly authorization: AuthorizationPolicy | undefined;
}

function read(variable: string, path: string, rule: SupervisorRule): Bytes {
  try {
    return trustFiles.read(path);
  } catch (error) {
    if (!isCellError(error)) throw error;
    throw startRefused(rule, `The file of ${variable} cannot be used: ${error.message}`, { code: error.code, cause: error });
  }
}

function parsed<T>(variable: string, parse: () => T, rules: { syntax: SupervisorRule; invalid: SupervisorRule }): T {
  try {
    return parse();
  } catch (error) {
    // What breaks a rule of the document names it; what cannot be read as one does not.
    if (!isCellError(error)) throw error;
    throw startRefused(Array.isArray(error.facts['rules']) ? rules.invalid : rules.syntax, `The file of ${variable} cannot be used: ${error.message}`, { code: error.code, cause: error });
  }
}

/** PO1. @throws CellError with one of the rules `policy-unreadable`, `policy-syntax`, `policy-invalid`, `authz-unreadable` */
export function loadPolicies(config: SupervisorConfig): Policies {
  const { policyPack, authzPolicy } = config.paths;
  const packBytes = policyPack === undefined ? undefined : read('CELLOS_POLICY_PACK_PATH', policyPack, 'policy-unreadable');
  const pack = packBytes === undefined ? undefined : parsed('CELLOS_POLICY_PACK_PATH', () => parsePolicyPack(packBytes, { allowDowngrade: config.policyAllowDowngrade }), { syntax: 'policy-syntax', invalid: 'policy-invalid' });
  const authzBytes = authzPolicy === undefined ? undefined : read('CELLOS_AUTHZ_POLICY_PATH', authzPolicy, 'authz-unreadable');
  const authorization = authzBytes === undefined ? undefined : parsed('CELLOS_AUTHZ_POLICY_PATH', () => parseAuthorizationPolicy(authzBytes), { syntax: 'authz-unreadable', invalid: 'authz-unreadable' });
  return { pack, authorization };
}

export interface PolicyGate {
  readonly config: SupervisorConfig;
  readonly spec: ExecutionCellSpec;
  readonly stream: EventStream;
  readonly warn: (text: string) => void;
}

async function passAuthorization({ config, spec, stream, warn }: PolicyGate, { authorization, pack }: Policies): Promise<void> {
  if (authorization === undefined) return;
  const facts = pack === undefined ? {} : { packId: pack.document.spec.id };
  const refusal = authorize(spec, authorization.document) ?? (config.profile === 'hardened' ? authorizeFacts(spec, authorization.document, facts) : undefined); // PO3
  if (refusal === undefined) return;
  try {
    await stream.emit('authzRejected', authzRejectedData({ spec }, refusal));
  } catch (error) {
    warn(messageOf(error));
  }
  throw startRefused('authz-rejected', `Cannot admit ${spec.id}: ${refusal.message}`, { code: 'policy.refused' });
}

function violationsOf({ config, spec }: PolicyGate, { document }: PolicyPack): readonly PolicyViolation[] {
  const hardened = config.profile === 'hardened';
  const found = evaluatePack(spec, document.spec, { strict: hardened });
  const refused = hardened ? secretRefusal(spec, document.spec.rules, config.caller) : undefined; // PO3
  return refused === undefined ? found : [...found, { rule: 'secretRefAllowlist', message: refused.message }];
}

/** The gates before the run. @throws CellError with the rule `authz-rejected` or `policy-rejected` */
export async function passPolicies(gate: PolicyGate, policies: Policies): Promise<void> {
  await passAuthorization(gate, policies);
  const { pack } = policies;
  if (pack === undefined) return;
  const { config, spec, stream, warn } = gate;
  const violations = violationsOf(gate, pack);
  if (violations.length === 0) return;
  try {
    await stream.emit('policyRejected', policyRejectedData({ spec }, { violations }));
  } catch (error) {
    if (config.require.admissionReceipts) throw asRefusal(error, 'policy-rejected'); // PO2
    warn(messageOf(error));
  }
  throw startRefused('policy-rejected', `Cannot admit ${spec.id} by the policy pack ${pack.document.spec.id}: ${violations.map(({ rule, message }) => `${rule}: ${message}`).join('; ')}`, { code: 'policy.refused' });
}

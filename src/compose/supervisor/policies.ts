/**
 * What admits a run by policy: the authorization policy, then the policy pack (reference/03 §2, steps 18 and 20).
 *
 *   PO1  what is configured and cannot be read refuses: nothing is waved through;
 *   PO2  a refusal is an event before it is an error. Where receipts are required, one that cannot be delivered is the error;
 *   PO3  under `hardened` a pack is strict, its list of secrets for each caller is kept, the caller has to be the tenant, and the pack in force one
 *        that is allowed; the decision is a record of the sealed bundle, too. A rate nobody counts refuses.
 */
import { trustFiles } from '../../adapters/os/trust-files.ts';
import type { Bytes } from '../../base/bytes.ts';
import { isCellError, messageOf } from '../../base/errors.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { SupervisorRule } from '../../config/supervisor-problem.ts';
import { authzRejectedData, policyRejectedData } from '../../core/events/authority.ts';
import { authorizationRefusal, type AuthorizationRefusal, strictAuthorizationRefusal } from '../../core/policy/authorization.ts';
import type { PolicyGate as DecidingGate } from '../../core/policy/decision.ts';
import { packViolations, type PolicyViolation, secretViolations, strictViolations } from '../../core/policy/evaluate.ts';
import { policyInputOf } from '../../core/policy/policy-input.ts';
import type { AuthorizationPolicyDocument } from '../../core/policy/policy-shape.ts';
import { type LoadedPack, parseAuthorizationPolicy, parsePolicyPack } from '../../core/policy/read-policy.ts';
import type { ExecutionCellSpec } from '../../core/spec/document.ts';
import type { EventStream } from '../../runtime/stream/event-stream.ts';
import { asRefusal, startRefused } from './start-refused.ts';

export interface Policies {
  readonly pack: LoadedPack | undefined;
  readonly authorization: AuthorizationPolicyDocument | undefined;
}

function read(variable: string, path: string, rule: SupervisorRule): Bytes {
  try {
    return trustFiles.read(path);
  } catch (error) {
    if (!isCellError(error)) throw error;
    throw startRefused(rule, `The file of ${variable} cannot be used: ${error.message}`, { code: error.code, cause: error });
  }
}

/** What breaks a rule of the document is named after it; what cannot be read as one, by the reader. */
const isBrokenRule = (rules: unknown): boolean => Array.isArray(rules) && /^(?:pack|authorization)\./.test(String(rules[0]));

function parsed<T>(variable: string, parse: () => T, rules: { syntax: SupervisorRule; invalid: SupervisorRule }): T {
  try {
    return parse();
  } catch (error) {
    if (!isCellError(error)) throw error;
    throw startRefused(isBrokenRule(error.facts['rules']) ? rules.invalid : rules.syntax, `The file of ${variable} cannot be used: ${error.message}`, { code: error.code, cause: error });
  }
}

/** PO1. @throws CellError with one of the rules `policy-unreadable`, `policy-syntax`, `policy-invalid`, `authz-unreadable` */
export function loadPolicies(config: SupervisorConfig): Policies {
  const { policyPack, authzPolicy } = config.paths;
  const packBytes = policyPack === undefined ? undefined : read('CELLOS_POLICY_PACK_PATH', policyPack, 'policy-unreadable');
  const pack = packBytes === undefined ? undefined : parsed('CELLOS_POLICY_PACK_PATH', () => parsePolicyPack(packBytes, { allowDowngrade: config.policyAllowDowngrade, mode: 'compatible' }), { syntax: 'policy-syntax', invalid: 'policy-invalid' });
  const authzBytes = authzPolicy === undefined ? undefined : read('CELLOS_AUTHZ_POLICY_PATH', authzPolicy, 'authz-unreadable');
  const authorization = authzBytes === undefined ? undefined : parsed('CELLOS_AUTHZ_POLICY_PATH', () => parseAuthorizationPolicy(authzBytes, { mode: 'compatible' }), { syntax: 'authz-unreadable', invalid: 'authz-unreadable' });
  return { pack, authorization };
}

export interface PolicyGate {
  readonly config: SupervisorConfig;
  readonly spec: ExecutionCellSpec;
  readonly stream: EventStream;
  readonly warn: (text: string) => void;
}

/** What decides a run under `hardened`, for the record of its bundle [PO3]. */
export function decidingGate(config: SupervisorConfig, { pack, authorization }: Policies): DecidingGate | undefined {
  if (config.profile !== 'hardened' || (pack === undefined && authorization === undefined)) return undefined;
  return { ...(pack === undefined ? {} : { pack }), ...(authorization === undefined ? {} : { authorization }), caller: config.caller };
}

function deniedMembers({ rule }: AuthorizationRefusal, { placement, policy }: ExecutionCellSpec): { deniedPoolId?: string | undefined; deniedPolicyPackId?: string | undefined } {
  if (rule === 'pool_not_allowed') return { deniedPoolId: placement?.poolId };
  return rule === 'policy_pack_not_allowed' ? { deniedPolicyPackId: policy?.packId } : {};
}

async function passAuthorization({ config, spec, stream, warn }: PolicyGate, { authorization, pack }: Policies): Promise<void> {
  if (authorization === undefined) return;
  const input = policyInputOf(spec, {}, config.caller);
  const refusal = config.profile === 'hardened' ? strictAuthorizationRefusal(authorization.spec, input, { packId: pack?.document.spec.id, admittedLastHour: undefined }) : authorizationRefusal(authorization.spec, input); // PO3
  if (refusal === undefined) return;
  const message = `${refusal.path} ${refusal.message}`;
  try {
    await stream.emit('authzRejected', authzRejectedData({ spec }, { reason: refusal.rule, message, ...deniedMembers(refusal, spec) }));
  } catch (error) {
    warn(messageOf(error));
  }
  throw startRefused('authz-rejected', `Cannot admit ${spec.id}: ${message}`, { code: 'policy.refused' });
}

function violationsOf({ config, spec }: PolicyGate, { document }: LoadedPack): readonly PolicyViolation[] {
  const input = policyInputOf(spec, {}, config.caller);
  const found = packViolations(document.spec, input);
  return config.profile === 'hardened' ? [...found, ...strictViolations(document.spec, input), ...secretViolations(document.spec.rules, input)] : found; // PO3
}

/** The gates before the run. @throws CellError with the rule `authz-rejected` or `policy-rejected` */
export async function passPolicies(gate: PolicyGate, policies: Policies): Promise<void> {
  await passAuthorization(gate, policies);
  const { pack } = policies;
  if (pack === undefined) return;
  const { config, spec, stream, warn } = gate;
  const violations = violationsOf(gate, pack).map(({ rule, path, message }) => ({ rule, message: `${path} ${message}` }));
  if (violations.length === 0) return;
  try {
    await stream.emit('policyRejected', policyRejectedData({ spec }, { violations }));
  } catch (error) {
    if (config.require.admissionReceipts) throw asRefusal(error, 'policy-rejected'); // PO2
    warn(messageOf(error));
  }
  throw startRefused('policy-rejected', `Cannot admit ${spec.id} by the policy pack ${pack.document.spec.id}: ${violations.map(({ rule, message }) => `${rule}: ${message}`).join('; ')}`, { code: 'policy.refused' });
}

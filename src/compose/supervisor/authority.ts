/**
 * What admits a run by authority: the token of the document, and the ceiling of the organisation (reference/03 §2, steps 12, 13 and 17).
 *
 *   AU1  a token that is there is verified, whatever is required; under `hardened` it also has to bind this document to this run;
 *   AU2  the receipt of a decision is out before the decision takes effect.
 */
import { systemRandom } from '../../adapters/os/random.ts';
import { trustFiles } from '../../adapters/os/trust-files.ts';
import { type CellError, isCellError } from '../../base/errors.ts';
import { uuidV4 } from '../../base/ids.ts';
import { isJsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import type { SupervisorConfig } from '../../config/supervisor.ts';
import type { SupervisorRule } from '../../config/supervisor-problem.ts';
import { CEILING_PREDICATE, type CeilingVerdict, judgeCeiling } from '../../core/authority/ceiling.ts';
import { bindingRefusals, scopeRefusal, verifyDerivation } from '../../core/authority/derivation.ts';
import { admissionDecisionData } from '../../core/events/authority.ts';
import { EVENTS } from '../../core/events/catalogue.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import type { SpecDocument } from '../../core/spec/document.ts';
import type { EventStream } from '../../runtime/stream/event-stream.ts';
import { keysetEvent, loadCeiling, loadKeyset, loadVerifyKeys, type TrustContext } from '../../runtime/trust/load-trust.ts';
import { systemClock } from '../local.ts';
import { asRefusal, startRefused } from './start-refused.ts';
import type { Transport } from './transport.ts';

/** Of a token that was verified. */
export interface Derivation {
  readonly roleRoot: string;
  readonly parentRunId?: string;
}

/** Role → standard base64 of its public key. @throws CellError with the rule `authority-keys` */
function roleKeys(path: string | undefined): Map<string, string> {
  if (path === undefined) return new Map();
  const refuse = (why: string, cause?: unknown): CellError => startRefused('authority-keys', `The file of CELLOS_AUTHORITY_KEYS_PATH cannot be used: ${why}`, { ...(cause === undefined ? {} : { cause }) });
  let value: JsonValue;
  try {
    value = parseJson(trustFiles.read(path));
  } catch (error) {
    if (!isCellError(error)) throw error;
    throw refuse(error.message, error);
  }
  if (!isJsonObject(value)) throw refuse('it is no object of roles and keys');
  const odd = Object.entries(value).find(([, key]) => typeof key !== 'string');
  if (odd !== undefined) throw refuse(`the key of the role "${odd[0]}" is no text`);
  return new Map(Object.entries(value) as [string, string][]);
}

/** Steps 12 and 13. @throws CellError with one of the rules `authority-keys`, `derivation-invalid`, `derivation-universal`, `derivation-other-run` */
export function verifyTokenAtStart(config: SupervisorConfig, document: SpecDocument, run: { runId: string; warn: (text: string) => void }): Derivation | undefined {
  const keys = roleKeys(config.paths.authorityKeys);
  const { authority, id } = document.document.spec;
  const { authorityDerivation: token } = authority;
  if (token === undefined) return undefined;
  const refuse = (rule: SupervisorRule, message: string): CellError => startRefused(rule, `Cannot admit ${id}: ${message}`, { code: 'policy.refused' });
  const verdict = verifyDerivation(authority, token, keys);
  if (verdict.kind === 'refused') throw refuse('derivation-invalid', verdict.message);
  const universal = scopeRefusal(token, { allowUniversal: !config.require.scopedTokens });
  if (universal !== undefined) throw refuse('derivation-universal', universal);
  if (token.parentRunId === undefined) run.warn('the derivation token is for any run, and CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS lets it through');
  const unbound = bindingRefusals(authority, token, run); // AU1
  if (unbound.length > 0 && config.profile === 'hardened') throw refuse('derivation-other-run', unbound.map(({ message }) => message).join('; '));
  for (const { message } of unbound) run.warn(message);
  return { roleRoot: token.roleRoot, ...(token.parentRunId === undefined ? {} : { parentRunId: token.parentRunId }) };
}

function trustContext(config: SupervisorConfig, requireVerifyKeys: boolean): TrustContext {
  const { verifyKeys, keyset, keysetChain, ceiling, anchor } = config.paths;
  const settings = { verifyKeysPath: verifyKeys, requireVerifyKeys, keysetPath: keyset, keysetChainPath: keysetChain, ceilingPath: ceiling, requireCeiling: config.require.ceiling, anchorPath: anchor };
  return { settings, files: trustFiles, nowNs: BigInt(systemClock.nowMs()) * 1_000_000n };
}

/** Reasons of the part that loads trust, and the rules they are told by. */
const TRUST_RULES: Readonly<Record<string, SupervisorRule>> = {
  'verify-keys': 'verify-keys',
  'verify-keys-unset': 'verify-keys-unset',
  keyset: 'keyset-invalid',
  'ceiling-unset': 'ceiling-unset',
  'ceiling-stale': 'ceiling-stale',
};

function trusted<T>(load: () => T): T {
  try {
    return load();
  } catch (error) {
    throw asRefusal(error, isCellError(error) ? (TRUST_RULES[String(error.facts['reason'])] ?? 'ceiling-invalid') : 'ceiling-invalid');
  }
}

function receiptOf(verdict: CeilingVerdict, document: SpecDocument, runId: string): CloudEvent {
  const { admitted, reason, enforcementBinding, ceilingId, manifestDigest } = verdict;
  const context = Object.entries({ ceilingId, manifestDigest }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const data = admissionDecisionData({ runId, spec: document.document.spec }, { admitted, reason, predicate: CEILING_PREDICATE, specHash: document.rawHash, enforcementBinding, context });
  const { type } = admitted ? EVENTS.admissionAllowed : EVENTS.admissionRejected;
  return { specversion: '1.0', id: uuidV4(systemRandom.bytes(16)), source: 'cellos-supervisor', type, datacontenttype: 'application/json', data, time: systemClock.nowRfc3339() };
}

/** Step 17. @throws CellError with one of the rules of trust and ceiling */
export async function passCeiling(config: SupervisorConfig, document: SpecDocument, more: { runId: string; transport: Transport; warn: (text: string) => void }): Promise<void> {
  const { ceiling: path } = config.paths;
  const asked = path !== undefined || config.require.ceiling;
  const context = trustContext(config, config.require.verifyKeys || config.require.ceiling);
  const loaded = asked ? trusted(() => loadCeiling(context, loadVerifyKeys(context))) : undefined;
  const { spec } = document.document;
  const verdict = judgeCeiling({
    authority: spec.authority,
    manifest: loaded === undefined ? undefined : { ceiling: loaded.manifest, digest: loaded.manifestDigest },
    uncomparable: config.profile === 'hardened' ? 'refuse' : 'pass',
    enforcementBinding: 'declared-audit',
  });
  try {
    await more.transport.receipt(receiptOf(verdict, document, more.runId)); // AU2
  } catch (error) {
    more.warn(`the receipt of the admission could not be published: ${String(error)}`);
  }
  if (verdict.admitted) return;
  const { egressRules, secretRefs } = verdict.exceeded;
  const what = [...egressRules.map(({ host, port }) => `egress to ${host}:${port}`), ...secretRefs.map((ref) => `the secret ${ref}`)];
  if (verdict.reason === 'ceiling_dimension_uncomparable') throw startRefused('ceiling-uncomparable', `Cannot admit ${spec.id}: authority.filesystem and authority.network cannot be held against the ceiling ${verdict.ceilingId}; leave them out`, { code: 'policy.refused' });
  throw startRefused('ceiling-exceeded', `Cannot admit ${spec.id}: it claims more than the ceiling ${verdict.ceilingId} lets anybody have${what.length === 0 ? '' : `: ${what.join(', ')}`}`, { code: 'policy.refused' });
}

/** Step 18, in part: what the start found of its keyset is told, before the run. @throws CellError with the rule `verify-keys`, `verify-keys-unset` or `keyset-invalid` */
export async function announceKeyset(config: SupervisorConfig, stream: EventStream): Promise<void> {
  const context = trustContext(config, config.require.verifyKeys);
  const outcome = trusted(() => loadKeyset(context, loadVerifyKeys(context)));
  const event = keysetEvent(outcome, { id: uuidV4(systemRandom.bytes(16)), nowNs: context.nowNs });
  if (event !== undefined) await stream.deliver(event);
}

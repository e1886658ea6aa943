/**
 * One policy decision: what decided, what it knew, and what came out, as a value that goes into the evidence and can be decided again.
 *
 *   D1  a decision depends on its packs, its input and its facts alone, and the record holds all of them: `redecide` needs nothing else;
 *   D2  a record says which rules were broken and where; the words are made again from that;
 *   D3  what would not fit into a record is not admitted (`fitsRecord`): no cell is made on a decision that nobody can check.
 */
import { utf8 } from '../../base/bytes.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { renderPath } from '../../base/json-path.ts';
import { LIMITS } from '../../base/limits.ts';
import { decode } from '../spec/decode.ts';
import { encodeText } from '../spec/encode.ts';
import { parseJson } from '../../base/json-parse.ts';
import { BOOLEAN, list, oneOf, optional, record, required, STRING, type TypeOf, U32, U8 } from '../spec/shape.ts';
import { strictAuthorizationRefusal } from './authorization.ts';
import { matchesPlacement, packViolations, type PolicyViolation, secretViolations, strictViolations } from './evaluate.ts';
import { POLICY_INPUT, type PolicyInput } from './policy-input.ts';
import { AUTHORIZATION_POLICY_DOCUMENT, type AuthorizationPolicyDocument, POLICY_PACK_DOCUMENT } from './policy-shape.ts';
import { authorizationFaults, type LoadedPack, packDigest, packFaults } from './read-policy.ts';

/** What decides. Without either, everything is permitted. */
export interface PolicyGate {
  readonly pack?: LoadedPack;
  readonly authorization?: AuthorizationPolicyDocument;
  /** Who asks; see `callerOf`. */
  readonly caller: string;
  /** Cells of this caller admitted in the hour before; counted by whoever admits. */
  readonly admittedLastHour?: number;
}

export interface PolicyDecision {
  readonly gate: PolicyGate;
  readonly input: PolicyInput;
  /** `sha256:` + hex of the document that was decided about. */
  readonly specHash: string;
  readonly verdict: 'admitted' | 'refused';
  /** Did the scope of the pack cover the document? `false` without a pack. */
  readonly applied: boolean;
  readonly violations: readonly PolicyViolation[];
}

/** Version of the record, and of the rules it was decided by. */
const DECISION_VERSION = 1;

const DECISION = record(
  {
    v: required(U8),
    specHash: required(STRING),
    packDigest: optional(STRING),
    packFileHash: optional(STRING),
    allowDowngrade: required(BOOLEAN),
    pack: optional(POLICY_PACK_DOCUMENT),
    authorization: optional(AUTHORIZATION_POLICY_DOCUMENT),
    admittedLastHour: optional(U32),
    input: required(POLICY_INPUT),
    applied: required(BOOLEAN),
    verdict: required(oneOf('admitted', 'refused')),
    violations: required(list(record({ rule: required(STRING), path: required(STRING) }, { positional: false }))),
  },
  { positional: false },
);
type DecisionData = TypeOf<typeof DECISION>;

function dataOf({ gate, input, specHash, verdict, applied, violations }: PolicyDecision): DecisionData {
  const { pack, authorization, admittedLastHour } = gate;
  return {
    v: DECISION_VERSION,
    specHash,
    ...(pack === undefined ? {} : { packDigest: pack.digest, packFileHash: pack.fileHash, pack: pack.document }),
    allowDowngrade: pack?.allowDowngrade ?? false,
    ...(authorization === undefined ? {} : { authorization }),
    ...(admittedLastHour === undefined ? {} : { admittedLastHour }),
    input,
    applied,
    verdict,
    violations: violations.map(({ rule, path }) => ({ rule, path })),
  };
}

function violationsOf({ pack, authorization, admittedLastHour }: PolicyGate, input: PolicyInput): PolicyViolation[] {
  const packSpec = pack?.document.spec;
  const refusal = authorization === undefined ? undefined : strictAuthorizationRefusal(authorization.spec, input, { packId: packSpec?.id, admittedLastHour });
  const ofPack = packSpec === undefined ? [] : [...packViolations(packSpec, input), ...strictViolations(packSpec, input), ...secretViolations(packSpec.rules, input)];
  return [...(refusal === undefined ? [] : [refusal]), ...ofPack];
}

/** Decides [D1]: authorization first, then the pack, then what the pack says of nothing, then secrets; every violation, in this order. */
export function decidePolicy(gate: PolicyGate, input: PolicyInput, specHash: string): PolicyDecision {
  const violations = violationsOf(gate, input);
  const scope = gate.pack?.document.spec;
  return { gate, input, specHash, verdict: violations.length === 0 ? 'admitted' : 'refused', applied: scope !== undefined && matchesPlacement(input.placement, scope.placement), violations };
}

/** Is the decision small enough for a record [D3]? */
export function fitsRecord(decision: PolicyDecision): boolean {
  return utf8(encodeText(DECISION, dataOf(decision))).byteLength <= LIMITS.policyRecordBytesMax;
}

/** The decision as data of an event: all that is needed to decide again. */
export function decisionData(decision: PolicyDecision): JsonObject {
  return parseJson(encodeText(DECISION, dataOf(decision))) as JsonObject;
}

export type Redecision =
  /** The record says what its own inputs give. */
  | { readonly kind: 'same'; readonly decision: PolicyDecision }
  /** It does not: whoever signed it said something untrue. */
  | { readonly kind: 'different'; readonly reason: string }
  /** Decided by rules this program does not know. */
  | { readonly kind: 'unsupported'; readonly reason: string };

const different = (reason: string): Redecision => ({ kind: 'different', reason });

function gateOf({ pack, packDigest: digest, packFileHash, authorization, admittedLastHour, allowDowngrade, input }: DecisionData): PolicyGate | Redecision {
  if ((pack === undefined) !== (digest === undefined) || (pack === undefined) !== (packFileHash === undefined)) return different('it does not hold the pack it names');
  if (pack !== undefined && packDigest(pack) !== digest) return different('the pack it holds is not the one it names');
  const [fault] = pack === undefined ? [] : packFaults(pack, allowDowngrade);
  if (fault !== undefined) return different(`no such pack can be in force: ${renderPath(fault.path)} ${fault.message}`);
  const [wrong] = authorization === undefined ? [] : authorizationFaults(authorization);
  if (wrong !== undefined) return different(`no such authorization policy can be in force: ${renderPath(wrong.path)} ${wrong.message}`);
  return {
    ...(pack === undefined || packFileHash === undefined ? {} : { pack: { document: pack, digest: packDigest(pack), fileHash: packFileHash, allowDowngrade } }),
    ...(authorization === undefined ? {} : { authorization }),
    ...(admittedLastHour === undefined ? {} : { admittedLastHour }),
    caller: input.caller,
  };
}

/** Decides again, from what a record of `decisionData` holds and nothing else. Pure, offline; its time grows with the record. */
export function redecide(value: JsonValue | undefined): Redecision {
  if (!isJsonObject(value)) return different('it holds no decision');
  if (value['v'] !== DECISION_VERSION) return typeof value['v'] === 'number' ? { kind: 'unsupported', reason: `it was made by version ${value['v']} of the rules` } : different('it does not say by which rules it was made');
  const { value: data, errors, lenient } = decode<DecisionData>(DECISION, value);
  const [fault] = [...errors.list, ...lenient.list];
  if (data === undefined || fault !== undefined) return different(`its ${renderPath(fault?.path ?? [])} ${fault?.message ?? 'cannot be read'}`);
  const gate = gateOf(data);
  if ('kind' in gate) return gate;
  const decision = decidePolicy(gate, data.input, data.specHash);
  if (decision.verdict !== data.verdict) return different(`it says ${data.verdict}, and its own pack and inputs give ${decision.verdict}`);
  if (decision.applied !== data.applied) return different(`it says that the pack ${data.applied ? 'covers' : 'does not cover'} the document, and the opposite is so`);
  const said = data.violations.map(({ rule, path }) => `${rule} ${path}`);
  const found = decision.violations.map(({ rule, path }) => `${rule} ${path}`);
  if (said.length !== found.length || said.some((line, i) => line !== found[i])) return different('the violations it lists are not those its own pack and inputs give');
  return { kind: 'same', decision };
}

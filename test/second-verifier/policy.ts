/**
 * Decides a recorded policy decision again: docs/policy.md, and the rules of the reference's policy packs. Nothing of a decision is believed;
 * it has to come out as it stands there.
 */
import { digest } from './crypto.ts';
import { canonical, exactMembers, isList, isMap, isWhole, type Json, type JsonMap, refuse, textAt } from './json.ts';

const PLACEMENT = ['poolId', 'kubernetesNamespace', 'queueName'];
const CAPS = ['maxLifetimeTtlSeconds', 'maxMemoryMaxBytes', 'maxRunTimeoutMs'] as const;
/** In their order, with what stands for one that is left out. */
const RULES: readonly (readonly [rule: string, absent: Json])[] = [
  ...CAPS.map((cap) => [cap, null] as const), ['requireEgressDeclared', false], ['forbidOutboundEgressRules', false], ['allowedEgressHosts', []], ['requireRuntimeSecretDelivery', false], ['requireResourceLimits', false],
  ['flagDnsEgressWithoutAcknowledgment', null], ['requireDnsEgressJustification', null], ['secretRefAllowlist', null],
];
const ORDERED: Readonly<Record<string, readonly string[]>> = { pack: ['apiVersion', 'kind', 'spec'], spec: ['id', 'description', 'version', 'placement', 'rules'], placement: PLACEMENT, rules: RULES.map(([rule]) => rule) };
const DELIVERIES = ['env', 'runtimeBroker', 'runtimeLeasedBroker', 'none'];

function flagAt(map: JsonMap, key: string): boolean {
  const value = map.get(key);
  return typeof value === 'boolean' ? value : refuse(`${key} is neither true nor false`);
}

function optional<T>(map: JsonMap, key: string, read: (map: JsonMap, key: string) => T): T | undefined {
  return map.has(key) && map.get(key) !== null ? read(map, key) : undefined;
}

function countAt(map: JsonMap, key: string): bigint {
  const value = map.get(key);
  return typeof value === 'bigint' && value >= 0n ? value : refuse(`${key} is no number of 64 bits`);
}

function textsAt(map: JsonMap, key: string): string[] {
  const value = map.get(key);
  if (!isList(value)) return refuse(`${key} is no list`);
  return value.map((item) => (typeof item === 'string' ? item : refuse(`${key} holds something else than texts`)));
}

function placementAt(map: JsonMap, key: string): ReadonlyMap<string, string> | undefined {
  if (!map.has(key)) return undefined;
  const placement = exactMembers(map.get(key), [], PLACEMENT);
  return new Map(PLACEMENT.filter((name) => placement.has(name)).map((name) => [name, textAt(placement, name)]));
}

interface Pack {
  readonly rules: JsonMap;
  readonly scope: ReadonlyMap<string, string> | undefined;
  readonly allowlist: ReadonlyMap<string, readonly string[]> | undefined;
}

/** With every default written out. */
function filled(value: Json | undefined): JsonMap {
  const pack = exactMembers(value, ['apiVersion', 'kind', 'spec']);
  const spec = exactMembers(pack.get('spec'), ['id', 'rules'], ['description', 'version', 'placement']);
  const rules = exactMembers(spec.get('rules'), [], RULES.map(([rule]) => rule));
  return new Map([...pack, ['spec', new Map<string, Json>([['description', null], ['version', null], ...spec, ['rules', new Map<string, Json>([...RULES, ...rules])]])]]);
}

/** The pack, as strictly as when it was read; its digest is over its members in the order of the reference. */
function packOf(value: Json | undefined, allowDowngrade: boolean): Pack & { readonly digest: string } {
  const pack = filled(value);
  if (textAt(pack, 'apiVersion') !== 'cellos.io/v1' || textAt(pack, 'kind') !== 'PolicyPack') refuse('not a policy pack');
  const spec = exactMembers(pack.get('spec'), ['description', 'id', 'rules', 'version'], ['placement']);
  const rules = exactMembers(spec.get('rules'), RULES.map(([rule]) => rule));
  if (!isPortable(textAt(spec, 'id'))) refuse('the pack has no portable id');
  optional(spec, 'description', textAt);
  checkVersion(optional(spec, 'version', textAt), allowDowngrade);
  const scope = placementAt(spec, 'placement');
  for (const key of CAPS) if (optional(rules, key, countAt) === 0n) refuse(`${key} is zero`);
  for (const key of ['requireEgressDeclared', 'forbidOutboundEgressRules', 'requireRuntimeSecretDelivery', 'requireResourceLimits']) flagAt(rules, key);
  for (const key of ['flagDnsEgressWithoutAcknowledgment', 'requireDnsEgressJustification']) optional(rules, key, flagAt);
  if (flagAt(rules, 'requireEgressDeclared') && flagAt(rules, 'forbidOutboundEgressRules')) refuse('egress is demanded and forbidden');
  if (textsAt(rules, 'allowedEgressHosts').includes('')) refuse('an empty pattern');
  const granted = rules.get('secretRefAllowlist');
  const allowlist = granted === null ? undefined : isMap(granted) ? new Map([...granted.keys()].map((caller) => [caller, textsAt(granted, caller)])) : refuse('the allowlist is no object');
  return { rules, scope, allowlist, digest: digestOfPack(pack) };
}

/** Over its members in the order of the reference. @param pack one that has its form */
export function digestOfPack(pack: Json): string {
  const ordered = (value: Json, name: string): string => {
    const order = ORDERED[name];
    if (!isMap(value) || order === undefined) return canonical(value).toString();
    return `{${order.filter((key) => value.has(key)).map((key) => `"${key}":${ordered(value.get(key) ?? null, key)}`).join(',')}}`;
  };
  return digest(Buffer.from(ordered(pack, 'pack')));
}

export function isPortable(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id) && !id.includes('..');
}

function checkVersion(version: string | undefined, allowDowngrade: boolean): void {
  if (version === undefined) return;
  const match = /^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z.-]+))?$/.exec(version);
  if (match === null || match.slice(1, 4).some((part) => BigInt(part) >= 2n ** 64n)) refuse('no version');
  if (match?.[1] === '0' && !allowDowngrade) refuse('the pack is older than 1.0.0');
}

interface Egress {
  readonly host: string;
  readonly port: bigint;
  readonly acknowledged: boolean;
  readonly justification: string;
}

interface Input {
  readonly caller: string;
  readonly ttl: bigint;
  readonly memory: bigint | undefined;
  readonly timeout: bigint | undefined;
  readonly limits: boolean;
  readonly delivery: string;
  readonly secrets: readonly string[];
  readonly egress: readonly Egress[];
  readonly placement: ReadonlyMap<string, string> | undefined;
}

function inputOf(value: Json | undefined): Input {
  const map = exactMembers(value, ['caller', 'egressRules', 'limitsDeclared', 'secretDelivery', 'secretRefs', 'ttlSeconds'], ['memoryMaxBytes', 'placement', 'timeoutMs']);
  const egress = map.get('egressRules');
  if (!isList(egress)) return refuse('egressRules is no list');
  const delivery = textAt(map, 'secretDelivery');
  if (!DELIVERIES.includes(delivery)) refuse('no such delivery of secrets');
  return {
    caller: textAt(map, 'caller'),
    ttl: countAt(map, 'ttlSeconds'),
    memory: map.has('memoryMaxBytes') ? countAt(map, 'memoryMaxBytes') : undefined,
    timeout: map.has('timeoutMs') ? countAt(map, 'timeoutMs') : undefined,
    limits: flagAt(map, 'limitsDeclared'),
    delivery,
    secrets: textsAt(map, 'secretRefs'),
    egress: egress.map(egressOf),
    placement: map.get('placement') === null ? undefined : placementAt(map, 'placement'),
  };
}

function egressOf(value: Json): Egress {
  const rule = exactMembers(value, ['host', 'port'], ['dnsEgressJustification', 'protocol']);
  const port = countAt(rule, 'port');
  if (port > 65535n) refuse('no such port');
  return { host: textAt(rule, 'host'), port, acknowledged: lower(optional(rule, 'protocol', textAt) ?? '') === 'dns-acknowledged', justification: optional(rule, 'dnsEgressJustification', textAt) ?? '' };
}

function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

interface Violation {
  readonly rule: string;
  readonly path: string;
}

function permits(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.') ? lower(host).endsWith(lower(pattern.slice(1))) : lower(pattern) === lower(host);
}

function brokenRules({ rules }: Pack, input: Input): Violation[] {
  const found: Violation[] = [];
  const broken = (rule: string, path: string): void => void found.push({ rule, path: `spec.${path}` });
  const [ttlMax, memoryMax, timeoutMax] = CAPS.map((key) => optional(rules, key, countAt));
  const patterns = textsAt(rules, 'allowedEgressHosts');
  const each = (rule: string, member: string, isBroken: (one: Egress) => boolean): void => {
    for (const [i, one] of input.egress.entries()) if (isBroken(one)) broken(rule, `authority.egressRules[${i}].${member}`);
  };
  if (ttlMax !== undefined && input.ttl > ttlMax) broken('maxLifetimeTtlSeconds', 'lifetime.ttlSeconds');
  if (memoryMax !== undefined && input.memory !== undefined && input.memory > memoryMax) broken('maxMemoryMaxBytes', 'run.limits.memoryMaxBytes');
  if (timeoutMax !== undefined && input.timeout !== undefined && input.timeout > timeoutMax) broken('maxRunTimeoutMs', 'run.timeoutMs');
  if (flagAt(rules, 'requireEgressDeclared') && input.egress.length === 0) broken('requireEgressDeclared', 'authority.egressRules');
  if (flagAt(rules, 'forbidOutboundEgressRules') && input.egress.length > 0) broken('forbidOutboundEgressRules', 'authority.egressRules');
  if (patterns.length > 0) each('allowedEgressHosts', 'host', (one) => !patterns.some((pattern) => permits(pattern, one.host)));
  if (flagAt(rules, 'requireRuntimeSecretDelivery') && (input.delivery === 'env' || input.delivery === 'none')) broken('requireRuntimeSecretDelivery', 'run.secretDelivery');
  if (flagAt(rules, 'requireResourceLimits') && !input.limits) broken('requireResourceLimits', 'run.limits');
  const dns = (one: Egress): boolean => one.port === 53n;
  if (rules.get('flagDnsEgressWithoutAcknowledgment') === true) each('flagDnsEgressWithoutAcknowledgment', 'protocol', (one) => dns(one) && !one.acknowledged);
  if (rules.get('requireDnsEgressJustification') === true) each('requireDnsEgressJustification', 'dnsEgressJustification', (one) => dns(one) && one.acknowledged && /^\p{White_Space}*$/u.test(one.justification));
  if (memoryMax !== undefined && input.memory === undefined) broken('maxMemoryMaxBytes', 'run.limits.memoryMaxBytes');
  if (timeoutMax !== undefined && input.timeout === undefined && input.ttl * 1000n > timeoutMax) broken('maxRunTimeoutMs', 'run.timeoutMs');
  return found;
}

function decide(pack: Pack, input: Input): { applied: boolean; violations: Violation[] } {
  const scope = [...(pack.scope ?? [])];
  const applied = scope.every(([key, value]) => input.placement?.get(key) === value);
  const violations = applied ? brokenRules(pack, input) : [];
  for (const [key] of scope) if (!input.placement?.has(key)) violations.push({ rule: 'placement.undeclared', path: `spec.placement.${key}` });
  const granted = pack.allowlist?.get(input.caller);
  if (pack.allowlist !== undefined && granted === undefined) violations.push({ rule: 'caller_unmapped', path: 'caller' });
  if (granted !== undefined) for (const [i, secret] of input.secrets.entries()) if (!granted.includes(secret)) violations.push({ rule: 'secret_ref_denied', path: `spec.authority.secretRefs[${i}]` });
  return { applied, violations };
}

const MEMBERS = ['allowDowngrade', 'applied', 'input', 'pack', 'packDigest', 'packFileHash', 'specHash', 'v', 'verdict', 'violations'];

export type Redecided = 'unsupported' | { readonly specHash: string; readonly refused: boolean };

/** @throws Refusal when it does not come out the same */
export function redecide(value: Json | undefined): Redecided {
  const version = isMap(value) ? value.get('v') : undefined;
  if (isWhole(version) && version !== 1n) return 'unsupported';
  const decision = exactMembers(value, MEMBERS);
  if (version !== 1n) refuse('the decision has no version');
  const pack = packOf(decision.get('pack'), flagAt(decision, 'allowDowngrade'));
  if (textAt(decision, 'packDigest') !== pack.digest) refuse('the pack is another');
  textAt(decision, 'packFileHash');
  const expected = answerOf(pack, inputOf(decision.get('input')));
  for (const [key, value] of expected) if (!canonical(value).equals(canonical(decision.get(key) ?? null))) refuse(`${key} comes out otherwise`);
  return { specHash: textAt(decision, 'specHash'), refused: expected.get('verdict') === 'refused' };
}

function answerOf(pack: Pack, input: Input): JsonMap {
  const { applied, violations } = decide(pack, input);
  const broken: readonly Json[] = violations.map(({ path, rule }) => new Map([['path', path], ['rule', rule]]));
  return new Map<string, Json>([['applied', applied], ['verdict', broken.length > 0 ? 'refused' : 'admitted'], ['violations', broken]]);
}

/** The same decision with what has to come out. @throws Refusal for a pack or an input that has not its form */
export function decideAnew(decision: JsonMap): JsonMap {
  const pack = packOf(decision.get('pack'), decision.get('allowDowngrade') === true);
  return new Map([...decision, ['packDigest', pack.digest], ...answerOf(pack, inputOf(decision.get('input')))]);
}

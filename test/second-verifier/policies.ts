/** Policy decisions in the evidence: which come out the same when they are decided again, and which do not. */
import type { Plain } from './builder.ts';
import { type Case, edited, editAt, made, set, type Table } from './cases.ts';
import { decided, decision, GOOD_DECISION, REFUSED_DECISION } from './decisions.ts';
import { EVENTS, INPUT, PACK } from './drafts.ts';

type Members = { readonly [key: string]: Plain | undefined };

const withRules = (rules: Members, spec: Members = {}): Plain => ({ ...PACK, spec: { ...PACK.spec, ...spec, rules: { ...PACK.spec.rules, ...rules } } }) as Plain;
const withInput = (input: Members): Plain => ({ ...INPUT, ...input }) as Plain;
const run = (name: string, value: Plain, verdict: Case['verdict'], at?: number): Case => made(name, { events: [decided(value), ...EVENTS] }, verdict, at === undefined ? {} : { at });
const good = (name: string, rest: { readonly [key: string]: Plain }): Case => run(name, decision(rest), 'complete');
const bad = (name: string, rest: { readonly [key: string]: Plain }): Case => run(name, decision(rest), 'tampered', 1);
const broken = (...violations: readonly (readonly [rule: string, path: string])[]): { readonly [key: string]: Plain } => ({ verdict: 'refused', violations: violations.map(([rule, path]) => ({ path: path === 'caller' ? path : `spec.${path}`, rule })) });
const refusing = (name: string, rest: { readonly [key: string]: Plain }): Case => made(name, { events: [decided(decision(rest)), { type: 'admission.v1.refused', data: {} }], outcome: 'refused' }, 'complete');
const dns = { host: 'a.example.com', port: 53 };
const SCOPE = { placement: { poolId: 'p', queueName: 'q' } };

export const DECISIONS: Table = [
  good('all within bounds', {}),
  good('a placement that is the pack’s', { pack: withRules({}, SCOPE), input: withInput({ placement: { poolId: 'p', queueName: 'q', kubernetesNamespace: 'n' } }) }),
  good('a placement that is not the pack’s', { pack: withRules({ maxLifetimeTtlSeconds: 1 }, SCOPE), input: withInput({ placement: { poolId: 'p', queueName: 'other' } }), applied: false }),
  good('a pack that demands nothing', { pack: withRules({ maxLifetimeTtlSeconds: null, maxMemoryMaxBytes: null, maxRunTimeoutMs: null, allowedEgressHosts: [], requireRuntimeSecretDelivery: false, requireResourceLimits: false, flagDnsEgressWithoutAcknowledgment: null, requireDnsEgressJustification: false, secretRefAllowlist: null }, { version: null }), input: { caller: '', egressRules: [], limitsDeclared: false, secretDelivery: 'env', secretRefs: ['x'], ttlSeconds: 2n ** 64n - 1n } }),
  good('a pack of an older version, with leave', { pack: withRules({}, { version: '0.9.9-rc.1' }), allowDowngrade: true }),
  good('no timeout, and a lifetime that is within it', { input: withInput({ ttlSeconds: 5, timeoutMs: undefined }) }),
  refusing('the lifetime', { input: withInput({ ttlSeconds: 61 }), ...broken(['maxLifetimeTtlSeconds', 'lifetime.ttlSeconds']) }),
  refusing('everything at once, in order', {
    pack: withRules({ forbidOutboundEgressRules: true }),
    input: { caller: 'ci', ttlSeconds: 61, memoryMaxBytes: 1001, timeoutMs: 5001, limitsDeclared: false, secretDelivery: 'env', secretRefs: ['x', 'TOKEN', 'y'], egressRules: [{ host: 'two.test', port: 53, protocol: null }, { ...dns, protocol: 'DNS-acknowledged' }] },
    ...broken(['maxLifetimeTtlSeconds', 'lifetime.ttlSeconds'], ['maxMemoryMaxBytes', 'run.limits.memoryMaxBytes'], ['maxRunTimeoutMs', 'run.timeoutMs'], ['forbidOutboundEgressRules', 'authority.egressRules'], ['allowedEgressHosts', 'authority.egressRules[0].host'], ['requireRuntimeSecretDelivery', 'run.secretDelivery'], ['requireResourceLimits', 'run.limits'], ['flagDnsEgressWithoutAcknowledgment', 'authority.egressRules[0].protocol'], ['requireDnsEgressJustification', 'authority.egressRules[1].dnsEgressJustification'], ['secret_ref_denied', 'authority.secretRefs[0]'], ['secret_ref_denied', 'authority.secretRefs[2]']),
  }),
  refusing('what is missing comes after what is too much', {
    pack: withRules({ requireEgressDeclared: true }),
    input: { caller: 'nobody', ttlSeconds: 6, limitsDeclared: true, secretDelivery: 'none', secretRefs: ['x'], egressRules: [] },
    ...broken(['requireEgressDeclared', 'authority.egressRules'], ['requireRuntimeSecretDelivery', 'run.secretDelivery'], ['maxMemoryMaxBytes', 'run.limits.memoryMaxBytes'], ['maxRunTimeoutMs', 'run.timeoutMs'], ['caller_unmapped', 'caller']),
  }),
  refusing('no placement would escape the pack', { pack: withRules({}, SCOPE), applied: false, ...broken(['placement.undeclared', 'spec.placement.poolId'.slice(5)], ['placement.undeclared', 'placement.queueName']) }),
  refusing('half a placement would escape the pack', { pack: withRules({}, SCOPE), input: withInput({ placement: { queueName: 'q' } }), applied: false, ...broken(['placement.undeclared', 'placement.poolId']) }),
  refusing('half a placement, and it is another', { pack: withRules({}, SCOPE), input: withInput({ placement: { queueName: 'other' } }), applied: false, ...broken(['placement.undeclared', 'placement.poolId']) }),
  refusing('secrets are granted, whatever the placement', { pack: withRules({}, SCOPE), input: withInput({ placement: { poolId: 'other', queueName: 'q' }, secretRefs: ['x'] }), applied: false, ...broken(['secret_ref_denied', 'authority.secretRefs[0]']) }),
];

export const FALSE_DECISIONS: Table = [
  bad('admitted, and a rule is broken', { input: withInput({ ttlSeconds: 61 }) }),
  bad('refused, and no rule is broken', { verdict: 'refused' }),
  bad('a violation that is none', broken(['maxLifetimeTtlSeconds', 'lifetime.ttlSeconds'])),
  bad('a violation left out', { ...REFUSED_DECISION, input: withInput({ ttlSeconds: 61, timeoutMs: 5001 }) }),
  bad('violations in another order', { input: withInput({ ttlSeconds: 61, timeoutMs: 5001 }), ...broken(['maxRunTimeoutMs', 'run.timeoutMs'], ['maxLifetimeTtlSeconds', 'lifetime.ttlSeconds']) }),
  bad('another scope', { applied: false }),
  bad('another pack than named', { packDigest: `sha256:${'0'.repeat(64)}` }),
  good('a file hash, which is not judged', { packFileHash: 'x' }),
  bad('a pack of an older version', { pack: withRules({}, { version: '0.9.9' }) }),
  bad('a version that is none', { pack: withRules({}, { version: '1.0' }) }),
  bad('a pack with a limit of zero', { pack: withRules({ maxMemoryMaxBytes: 0 }) }),
  bad('a pack that demands and forbids egress', { pack: withRules({ requireEgressDeclared: true, forbidOutboundEgressRules: true }) }),
  bad('a pack with an empty pattern', { pack: withRules({ allowedEgressHosts: ['', '*'] }) }),
  bad('a pack whose id is not portable', { pack: withRules({}, { id: 'a..b' }) }),
  bad('a pack with an unknown rule', { pack: withRules({ more: true }) }),
  good('a pack with a default left out', { pack: withRules({ requireEgressDeclared: undefined }), packDigest: GOOD_DECISION['packDigest'] ?? '' }),
  bad('an input with an unknown member', { input: withInput({ more: 1 }) }),
  bad('an input without its caller', { input: withInput({ caller: undefined }) }),
  bad('a delivery that is none', { input: withInput({ secretDelivery: 'pigeon' }) }),
  bad('an unknown member', { more: 1 }),
  bad('another document than the run', { specHash: `sha256:${'6'.repeat(64)}` }),
  run('a later version of the rules', { ...GOOD_DECISION, v: 2 }, 'unsupported', 1),
  run('a later version of the rules, and nothing else', { v: 2 }, 'unsupported', 1),
  run('a version that is a text', { ...GOOD_DECISION, v: '1' }, 'tampered', 1),
  run('no decision', null, 'tampered', 1),
  made('told by the guest', { events: [decided(GOOD_DECISION, { tier: 'guest' }), ...EVENTS] }, 'tampered', { at: 1 }),
  made('after the plan', { events: [...EVENTS, decided(GOOD_DECISION)] }, 'tampered', { at: 5 }),
  made('the run went on after a refusal', { events: [decided(REFUSED_DECISION), ...EVENTS] }, 'tampered', { at: 2 }),
  ...['isolation.v1.observed', 'lifecycle.v1.started', 'observability.v1.process_spawned'].map((type) => made(`after a refusal, ${type}`, { events: [decided(REFUSED_DECISION), { type: 'x', data: {} }, { type, data: {} }] }, 'tampered', { at: 3 })),
  made('two decisions that permit', { events: [decided(GOOD_DECISION), decided(GOOD_DECISION), ...EVENTS] }, 'complete'),
  made('two decisions, the first refuses', { events: [decided(REFUSED_DECISION), decided(GOOD_DECISION), ...EVENTS] }, 'tampered', { at: 3 }),
  edited('a genesis that names no document', editAt('event', 0, set(['data', 'canonicalSpecHash'], undefined)), 'tampered', { at: 1, rest: { events: [decided(GOOD_DECISION), ...EVENTS] } }),
  made('a decision that is withheld', { events: [decided(REFUSED_DECISION, { withheld: true }), ...EVENTS] }, 'complete-with-declared-gaps'),
  made('a plan that is withheld, and a decision after it', { events: [{ ...EVENTS[0], type: 'plan.v1.effective', data: {}, withheld: true }, decided(GOOD_DECISION), ...EVENTS.slice(1)] }, 'complete-with-declared-gaps'),
];

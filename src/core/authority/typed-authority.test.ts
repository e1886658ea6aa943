import fc from 'fast-check';
import { expect, expectTypeOf, it } from 'vitest';
import { JsonFloat, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { encodeText } from '../spec/encode.ts';
import { AUTHORITY_DERIVATION, type AuthorityDerivation, type ProofArtifact } from './graph.ts';
import { bindingStatusOf, classOfRule, DERIVATION_RULES, type DerivationRule, epistemicStatusOf, RULE_CLASSES, RULES_BY_CLASS, type RuleClass, tierLimitOf } from './tiers.ts';
import { type AuthorityType, DeclaredAuthority, ImposedAuthority, ObservedAuthority, PERMITTED_CLASSES, ProvenAuthority } from './typed-authority.ts';
import type { AuthorityReason, Checked } from './validate-graph.ts';

function derive(...rules: DerivationRule[]): AuthorityDerivation {
  const applied = rules.map((rule) => ({ rule, class: classOfRule(rule) }));
  const classes = new Set(applied.map((one) => one.class));
  return {
    inputs: [{ type: 'sni', value: 'a.example', confidence: new JsonFloat(0.5) }],
    rules_applied: applied,
    output: { tier: tierLimitOf(classes)?.ceiling ?? 0, confidence: new JsonFloat(0.5), epistemic_status: epistemicStatusOf(classes) ?? 'OPAQUE', binding_status: bindingStatusOf(classes, 1) },
  };
}

const JWS: ProofArtifact = { JwsVerified: { kid: 'k1' } };
const ARTIFACTS: readonly [DerivationRule, ProofArtifact, ProofArtifact, string][] = [
  ['JWS_SIGNATURE_VERIFIED', JWS, { JwsVerified: { kid: '' } }, 'JwsVerified.kid'],
  ['DANE_TLSA_BOUND', { DaneTlsaBound: { tlsa_record_id: 't1' } }, { DaneTlsaBound: { tlsa_record_id: '' } }, 'DaneTlsaBound.tlsa_record_id'],
  ['SVID_CHAIN_VERIFIED', { SvidChainVerified: { spiffe_id: 's1' } }, { SvidChainVerified: { spiffe_id: '' } }, 'SvidChainVerified.spiffe_id'],
];

type Any = ObservedAuthority | ProvenAuthority | ImposedAuthority | DeclaredAuthority;
const MAKE: Readonly<Record<AuthorityType, (derivation: AuthorityDerivation) => Checked<Any>>> = {
  ObservedAuthority: (d) => ObservedAuthority.of(d),
  ProvenAuthority: (d) => ProvenAuthority.of(d, ARTIFACTS.find(([rule]) => d.rules_applied.some((one) => one.rule === rule))?.[1] ?? JWS),
  ImposedAuthority: (d) => ImposedAuthority.of(d),
  DeclaredAuthority: (d) => DeclaredAuthority.of(d),
};
const READ: Readonly<Record<AuthorityType, (document: JsonValue) => Checked<Any>>> = {
  ObservedAuthority: (v) => ObservedAuthority.read(v),
  ProvenAuthority: (v) => ProvenAuthority.read(v),
  ImposedAuthority: (v) => ImposedAuthority.read(v),
  DeclaredAuthority: (v) => DeclaredAuthority.read(v),
};
const TYPES = Object.keys(MAKE) as AuthorityType[];

function made(checked: Checked<Any>): Any {
  if (checked.kind === 'refused') throw new Error(checked.refusal.message);
  return checked.value;
}
const why = (checked: Checked<Any>) => (checked.kind === 'refused' ? checked.refusal : undefined);

it('the four types cannot stand for one another', () => {
  expectTypeOf<ObservedAuthority>().not.toExtend<ProvenAuthority>();
  expectTypeOf<ObservedAuthority>().not.toExtend<ImposedAuthority>();
  expectTypeOf<ObservedAuthority>().not.toExtend<DeclaredAuthority>();
  expectTypeOf<ProvenAuthority>().not.toExtend<ObservedAuthority>();
  expectTypeOf<DeclaredAuthority>().not.toExtend<ObservedAuthority>();
  expectTypeOf<{ type: 'ObservedAuthority'; derivation: AuthorityDerivation; toJson: () => JsonValue }>().not.toExtend<ObservedAuthority>();
  expect(made(ObservedAuthority.of(derive('RAW_SNI_OBSERVED')))).not.toBeInstanceOf(DeclaredAuthority);
});

it.each<[AuthorityType, RuleClass[]]>([
  ['ObservedAuthority', ['RAW_OBSERVATION', 'STRUCTURAL_ALIGNMENT', 'OPACITY']],
  ['ProvenAuthority', ['CRYPTOGRAPHIC_PROOF', 'STRUCTURAL_ALIGNMENT', 'RAW_OBSERVATION']],
  ['ImposedAuthority', ['IMPOSED_INTERCEPTION', 'RAW_OBSERVATION', 'STRUCTURAL_ALIGNMENT']],
  ['DeclaredAuthority', ['GUEST_AGENT_DECLARATION']],
])('%s permits its classes', (type, classes) => expect(PERMITTED_CLASSES[type]).toEqual(classes));

it.each<[AuthorityType, DerivationRule[], AuthorityReason | undefined, RuleClass?]>([
  ['ObservedAuthority', ['RAW_SNI_OBSERVED', 'SNI_HOST_MATCH', 'ECH_DETECTED'], undefined],
  ['ObservedAuthority', ['JWS_SIGNATURE_VERIFIED'], 'TypeClassIncompatible', 'CRYPTOGRAPHIC_PROOF'],
  ['ObservedAuthority', ['GUEST_PROC_EXIT_OBSERVED', 'MITM_HANDSHAKE_TERMINATED'], 'TypeClassIncompatible', 'IMPOSED_INTERCEPTION'],
  ['ProvenAuthority', ['RAW_SNI_OBSERVED', 'SNI_HOST_MATCH', 'JWS_SIGNATURE_VERIFIED'], undefined],
  ['ProvenAuthority', ['RAW_SNI_OBSERVED'], 'ProvenAuthorityMissingArtifact'],
  ['ProvenAuthority', ['ECH_DETECTED'], 'ProvenAuthorityMissingArtifact'],
  ['ProvenAuthority', ['JWS_SIGNATURE_VERIFIED', 'ECH_DETECTED'], 'TypeClassIncompatible', 'OPACITY'],
  ['ImposedAuthority', ['MITM_HANDSHAKE_TERMINATED', 'RAW_SNI_OBSERVED', 'SNI_HOST_MATCH'], undefined],
  ['ImposedAuthority', ['SNI_HOST_MATCH'], 'ImposedAuthorityMissingInterception'],
  ['ImposedAuthority', ['MITM_HANDSHAKE_TERMINATED', 'DANE_TLSA_BOUND'], 'TypeClassIncompatible', 'CRYPTOGRAPHIC_PROOF'],
  ['DeclaredAuthority', ['GUEST_NET_CONNECT_ATTEMPTED'], undefined],
  ['DeclaredAuthority', ['GUEST_NET_CONNECT_ATTEMPTED', 'ECH_DETECTED', 'RAW_SNI_OBSERVED'], 'TypeClassIncompatible', 'RAW_OBSERVATION'],
])('%s of %j: %s', (type, rules, reason, foreign) => {
  const refusal = why(MAKE[type](derive(...rules)));
  expect(refusal?.reason).toBe(reason);
  if (foreign !== undefined) {
    expect(refusal?.facts).toEqual({ type, permitted: PERMITTED_CLASSES[type], class: foreign });
    expect(refusal?.message).toBe(`${type} cannot rest on a rule of ${foreign}, only on ${PERMITTED_CLASSES[type].join(', ')}`);
  }
});

it('what is missing is said', () => {
  expect(why(ImposedAuthority.of(derive('SNI_HOST_MATCH')))?.message).toBe('ImposedAuthority needs a rule of IMPOSED_INTERCEPTION among rules_applied');
  expect(why(ProvenAuthority.of(derive('SNI_HOST_MATCH'), JWS))?.message).toBe('ProvenAuthority needs a rule of CRYPTOGRAPHIC_PROOF among rules_applied: the artifact alone proves nothing');
});

it.each(TYPES)('%s: the derivation is checked first', (type) => {
  const derivation = { ...derive('ECH_DETECTED', 'MITM_HANDSHAKE_TERMINATED', 'GUEST_PROC_EXIT_OBSERVED'), inputs: [] };
  expect(why(MAKE[type](derivation))?.reason).toBe('NoInputs');
});

it.each(ARTIFACTS)('an artifact of %s has a name, and its rule has fired [A4]', (rule, artifact, nameless, path) => {
  expect(made(ProvenAuthority.of(derive(rule), artifact))).toMatchObject({ type: 'ProvenAuthority', artifact });
  expect(why(ProvenAuthority.of(derive(rule), nameless))).toEqual({ reason: 'ArtifactEmpty', message: `artifact.${path} is empty: it has to name what was verified`, facts: { path } });
  const others = ARTIFACTS.map(([other]) => other).filter((other) => other !== rule);
  expect(why(ProvenAuthority.of(derive(...others), artifact))).toEqual({ reason: 'ArtifactRuleMissing', message: `artifact.${path} needs the rule ${rule} among rules_applied`, facts: { path, rule } });
});

it('a derivation that was checked cannot be changed afterwards [A3]', () => {
  const derivation = derive('JWS_SIGNATURE_VERIFIED');
  const artifact = { JwsVerified: { kid: 'k1' } };
  const proven = made(ProvenAuthority.of(derivation, artifact)) as ProvenAuthority;
  (derivation.output as { tier: number }).tier = 9;
  (derivation.inputs[0]?.confidence as { value: number }).value = 0;
  artifact.JwsVerified.kid = 'other';
  expect(proven.derivation.output.tier).toBe(4);
  expect(proven.derivation.inputs[0]?.confidence.value).toBe(0.5);
  expect(proven.artifact).toEqual(JWS);
  const held = [proven.derivation, proven.derivation.inputs, proven.derivation.inputs[0], proven.derivation.inputs[0]?.confidence, proven.derivation.rules_applied, proven.derivation.rules_applied[0], proven.derivation.output, proven.derivation.output.confidence];
  expect(held.every((part) => Object.isFrozen(part))).toBe(true);
});

it.each(ARTIFACTS)('the artifact of %s is frozen all through [A3]', (rule, artifact) => {
  const { artifact: held } = made(ProvenAuthority.of(derive(rule), artifact)) as ProvenAuthority;
  expect(Object.isFrozen(held) && Object.values(held).every((inner) => Object.isFrozen(inner))).toBe(true);
});

it('of an artifact of two kinds only the one that was checked is kept', () => {
  const both = { DaneTlsaBound: { tlsa_record_id: '' }, ...JWS };
  expect((made(ProvenAuthority.of(derive('JWS_SIGNATURE_VERIFIED'), both)) as ProvenAuthority).artifact).toEqual(JWS);
});

it.each(TYPES)('%s: a document goes through the same checks [A1]', (type) => {
  expect(why(READ[type](parseJson('{}')))).toMatchObject({ reason: 'Shape', facts: { path: 'derivation', rule: 'missing-key' } });
  const forged = encodeText(AUTHORITY_DERIVATION, { ...derive(RULES_BY_CLASS[PERMITTED_CLASSES[type][0]][0]), inputs: [] });
  expect(why(READ[type](parseJson(`{"derivation":${forged},"artifact":{"JwsVerified":{"kid":"k"}}}`)))?.reason).toBe('NoInputs');
});

it('a proof without its artifact does not parse', () => {
  expect(why(ProvenAuthority.read(parseJson(`{"derivation":${encodeText(AUTHORITY_DERIVATION, derive('JWS_SIGNATURE_VERIFIED'))}}`)))).toMatchObject({ reason: 'Shape', facts: { path: 'artifact' } });
});

const rules = fc.array(fc.constantFrom(...DERIVATION_RULES), { minLength: 1, maxLength: 4 });

it('what a type accepts has only its classes, and reads back as the same type', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), rules, (type, applied) => {
      const checked = MAKE[type](derive(...applied));
      if (checked.kind === 'refused') return;
      const classes = new Set(applied.map(classOfRule));
      expect(RULE_CLASSES.filter((name) => classes.has(name) && !(PERMITTED_CLASSES[type] as readonly RuleClass[]).includes(name))).toEqual([]);
      expect(checked.value.type).toBe(type);
      const again = made(READ[type](checked.value.toJson()));
      expect(again.toJson()).toEqual(checked.value.toJson());
      expect(again.constructor).toBe(checked.value.constructor);
    }),
  );
});

it('any JSON is read or refused: nothing is thrown', () => {
  fc.assert(
    fc.property(fc.constantFrom(...TYPES), fc.oneof(fc.json(), fc.json().map((text) => `{"derivation":${text},"artifact":${text}}`)), (type, text) => {
      expect(READ[type](parseJson(text, { duplicates: 'last' })).kind).toMatch(/^ok$|^refused$/);
    }),
  );
});

it.each(['sni', 'host_header', 'h2_authority', 'tls_cert_san', 'dane_tlsa_record', 'jws_payload', 'dnssec_validated_a_record', 'mitm_terminated_observation', 'guest_declared', ''])('reads an input of the type %j when there is one', (type) => {
  const read = ObservedAuthority.read(parseJson(encodeText(AUTHORITY_DERIVATION, derive(RULES_BY_CLASS[PERMITTED_CLASSES.ObservedAuthority[0]][0])).replace('"sni"', JSON.stringify(type)).replace(/^/, '{"derivation":').replace(/$/, '}')));
  expect(read.kind === 'ok').toBe(type !== '' && type !== 'guest_declared');
});

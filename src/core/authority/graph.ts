/**
 * A derivation of authority as it is written (reference/01 §10.1): what was seen, which rules fired, and what is claimed to follow. The tables
 * say only what the members are; that the claim follows from the rest is checked in `validate-graph.ts`.
 */
import { DOUBLE, list, oneOf, optional, record, required, type Shape, STRING, type TypeOf, U8, variants } from '../spec/shape.ts';
import { BINDING_STATUSES, DERIVATION_RULES, type DerivationRule, EPISTEMIC_STATUSES, RULE_CLASSES } from './tiers.ts';

const DERIVATION_RULE: Shape<DerivationRule> = { kind: 'enum', values: DERIVATION_RULES };

/** There is none for what a guest declares. */
const INPUT_TYPE = oneOf('sni', 'host_header', 'h2_authority', 'tls_cert_san', 'dane_tlsa_record', 'jws_payload', 'dnssec_validated_a_record', 'mitm_terminated_observation');

const DERIVATION_INPUT = record({ type: required(INPUT_TYPE), value: required(STRING), confidence: required(DOUBLE), source_event_id: optional(STRING) });
const APPLIED_RULE = record({ rule: required(DERIVATION_RULE), class: required(oneOf(...RULE_CLASSES)) });
const DERIVATION_OUTPUT = record({ tier: required(U8), confidence: required(DOUBLE), epistemic_status: required(oneOf(...EPISTEMIC_STATUSES)), binding_status: required(oneOf(...BINDING_STATUSES)) });

export const AUTHORITY_DERIVATION = record({ inputs: required(list(DERIVATION_INPUT)), rules_applied: required(list(APPLIED_RULE)), output: required(DERIVATION_OUTPUT) });
export type AuthorityDerivation = TypeOf<typeof AUTHORITY_DERIVATION>;

export type ProofArtifact = { readonly JwsVerified: { readonly kid: string } } | { readonly DaneTlsaBound: { readonly tlsa_record_id: string } } | { readonly SvidChainVerified: { readonly spiffe_id: string } };
export const PROOF_ARTIFACT = variants<ProofArtifact>([], {
  JwsVerified: record({ kid: required(STRING) }),
  DaneTlsaBound: record({ tlsa_record_id: required(STRING) }),
  SvidChainVerified: record({ spiffe_id: required(STRING) }),
});

/** The wire form of observed, imposed and declared authority (reference/01 §10.3). */
export const DERIVED = record({ derivation: required(AUTHORITY_DERIVATION) });
export const PROVEN = record({ derivation: required(AUTHORITY_DERIVATION), artifact: required(PROOF_ARTIFACT) });

/**
 * The four kinds of authority, as types that cannot be mixed up (reference/01 §10.3).
 *
 *   A1  an instance exists only of a derivation that holds and stays within the rule classes of its type: constructors are private,
 *       and a document goes through the same checks;
 *   A2  there is no way from one type to another, in the compiler's eyes (private members) as at run time (`instanceof`);
 *   A3  an instance never changes: it holds a frozen copy;
 *   A4  a proof names what was verified: the rule of its artifact has fired, and the name is not empty.
 *
 * Refusals are values. Each type is made by `of` from a derivation and by `read` from a document `{"derivation":{…}}`.
 */
import { JsonFloat, type JsonValue } from '../../base/json.ts';
import { decode } from '../spec/decode.ts';
import { encode } from '../spec/encode.ts';
import { type AuthorityDerivation, DERIVED, type ProofArtifact, PROVEN } from './graph.ts';
import { type DerivationRule, RULE_CLASSES, type RuleClass } from './tiers.ts';
import { type AuthorityRefusal, type Checked, checkedShape, classesOf, derivationRefusal, refusal } from './validate-graph.ts';

/** The rule classes each type may rest on, in the order they are named. */
export const PERMITTED_CLASSES = {
  ObservedAuthority: ['RAW_OBSERVATION', 'STRUCTURAL_ALIGNMENT', 'OPACITY'],
  ProvenAuthority: ['CRYPTOGRAPHIC_PROOF', 'STRUCTURAL_ALIGNMENT', 'RAW_OBSERVATION'],
  ImposedAuthority: ['IMPOSED_INTERCEPTION', 'RAW_OBSERVATION', 'STRUCTURAL_ALIGNMENT'],
  DeclaredAuthority: ['GUEST_AGENT_DECLARATION'],
} as const satisfies Readonly<Record<string, readonly RuleClass[]>>;

export type AuthorityType = keyof typeof PERMITTED_CLASSES;

const ok = <T>(value: T): Checked<T> => ({ kind: 'ok', value });
const refused = (why: AuthorityRefusal): Checked<never> => ({ kind: 'refused', refusal: why });

const frozenFloat = ({ value, token }: JsonFloat): JsonFloat => Object.freeze(new JsonFloat(value, token));

function frozen({ inputs, rules_applied: rules, output }: AuthorityDerivation): AuthorityDerivation {
  return Object.freeze({
    inputs: Object.freeze(inputs.map((input) => Object.freeze({ ...input, confidence: frozenFloat(input.confidence) }))),
    rules_applied: Object.freeze(rules.map((applied) => Object.freeze({ ...applied }))),
    output: Object.freeze({ ...output, confidence: frozenFloat(output.confidence) }),
  });
}

function foreignClass(type: AuthorityType, classes: ReadonlySet<RuleClass>): AuthorityRefusal | undefined {
  const permitted: readonly RuleClass[] = PERMITTED_CLASSES[type];
  const foreign = RULE_CLASSES.find((name) => classes.has(name) && !permitted.includes(name));
  if (foreign === undefined) return undefined;
  return refusal('TypeClassIncompatible', `${type} cannot rest on a rule of ${foreign}, only on ${permitted.join(', ')}`, { type, permitted, class: foreign });
}

/** The order of reference/01 §10.3: the derivation itself, what the type has to contain, what it may not. */
function checkedFor(type: AuthorityType, derivation: AuthorityDerivation, missing: (classes: ReadonlySet<RuleClass>) => AuthorityRefusal | undefined): Checked<AuthorityDerivation> {
  const copy = frozen(derivation);
  const classes = classesOf(copy);
  const why = derivationRefusal(copy) ?? missing(classes) ?? foreignClass(type, classes);
  return why === undefined ? ok(copy) : refused(why);
}

const nothingMissing = (): undefined => undefined;

/** `read` of the types that are a derivation alone. */
function readDerived<T>(document: JsonValue, of: (derivation: AuthorityDerivation) => Checked<T>): Checked<T> {
  const read = checkedShape(decode(DERIVED, document));
  return read.kind === 'ok' ? of(read.value.derivation) : read;
}

/** What the types share. The private member keeps any object that only looks like one out [A2]. */
abstract class Derived {
  readonly #derivation: AuthorityDerivation;

  protected constructor(derivation: AuthorityDerivation) {
    this.#derivation = derivation;
  }

  abstract get type(): AuthorityType;

  get derivation(): AuthorityDerivation {
    return this.#derivation;
  }

  /** The wire form. */
  toJson(): JsonValue {
    return encode(DERIVED, { derivation: this.#derivation });
  }
}

/** What was seen on the wire, and no more. */
export class ObservedAuthority extends Derived {
  private constructor(derivation: AuthorityDerivation) {
    super(derivation);
  }

  get type(): 'ObservedAuthority' {
    return 'ObservedAuthority';
  }

  static of(derivation: AuthorityDerivation): Checked<ObservedAuthority> {
    const checked = checkedFor('ObservedAuthority', derivation, nothingMissing);
    return checked.kind === 'ok' ? ok(new ObservedAuthority(checked.value)) : checked;
  }

  static read(document: JsonValue): Checked<ObservedAuthority> {
    return readDerived(document, ObservedAuthority.of);
  }
}

function missingInterception(classes: ReadonlySet<RuleClass>): AuthorityRefusal | undefined {
  return classes.has('IMPOSED_INTERCEPTION') ? undefined : refusal('ImposedAuthorityMissingInterception', 'ImposedAuthority needs a rule of IMPOSED_INTERCEPTION among rules_applied');
}

/** What was seen by breaking into the connection. */
export class ImposedAuthority extends Derived {
  private constructor(derivation: AuthorityDerivation) {
    super(derivation);
  }

  get type(): 'ImposedAuthority' {
    return 'ImposedAuthority';
  }

  static of(derivation: AuthorityDerivation): Checked<ImposedAuthority> {
    const checked = checkedFor('ImposedAuthority', derivation, missingInterception);
    return checked.kind === 'ok' ? ok(new ImposedAuthority(checked.value)) : checked;
  }

  static read(document: JsonValue): Checked<ImposedAuthority> {
    return readDerived(document, ImposedAuthority.of);
  }
}

/** What a guest says of itself: the only kind that its events may carry. */
export class DeclaredAuthority extends Derived {
  private constructor(derivation: AuthorityDerivation) {
    super(derivation);
  }

  get type(): 'DeclaredAuthority' {
    return 'DeclaredAuthority';
  }

  static of(derivation: AuthorityDerivation): Checked<DeclaredAuthority> {
    const checked = checkedFor('DeclaredAuthority', derivation, nothingMissing);
    return checked.kind === 'ok' ? ok(new DeclaredAuthority(checked.value)) : checked;
  }

  static read(document: JsonValue): Checked<DeclaredAuthority> {
    return readDerived(document, DeclaredAuthority.of);
  }
}

interface Proof {
  /** A frozen copy. */
  readonly artifact: ProofArtifact;
  /** Has to have fired. */
  readonly rule: DerivationRule;
  readonly path: string;
  /** What was verified. */
  readonly name: string;
}

function proofOf(artifact: ProofArtifact): Proof {
  if ('JwsVerified' in artifact) {
    const { kid: name } = artifact.JwsVerified;
    return { artifact: Object.freeze({ JwsVerified: Object.freeze({ kid: name }) }), rule: 'JWS_SIGNATURE_VERIFIED', path: 'JwsVerified.kid', name };
  }
  if ('DaneTlsaBound' in artifact) {
    const { tlsa_record_id: name } = artifact.DaneTlsaBound;
    return { artifact: Object.freeze({ DaneTlsaBound: Object.freeze({ tlsa_record_id: name }) }), rule: 'DANE_TLSA_BOUND', path: 'DaneTlsaBound.tlsa_record_id', name };
  }
  const { spiffe_id: name } = artifact.SvidChainVerified;
  return { artifact: Object.freeze({ SvidChainVerified: Object.freeze({ spiffe_id: name }) }), rule: 'SVID_CHAIN_VERIFIED', path: 'SvidChainVerified.spiffe_id', name };
}

/** [A4]: stricter than the reference, and so after everything that it checks. */
function artifactRefusal(derivation: AuthorityDerivation, { rule, path, name }: Proof): AuthorityRefusal | undefined {
  if (name === '') return refusal('ArtifactEmpty', `artifact.${path} is empty: it has to name what was verified`, { path });
  if (derivation.rules_applied.some((applied) => applied.rule === rule)) return undefined;
  return refusal('ArtifactRuleMissing', `artifact.${path} needs the rule ${rule} among rules_applied`, { path, rule });
}

function missingProof(classes: ReadonlySet<RuleClass>): AuthorityRefusal | undefined {
  if (classes.has('CRYPTOGRAPHIC_PROOF')) return undefined;
  return refusal('ProvenAuthorityMissingArtifact', 'ProvenAuthority needs a rule of CRYPTOGRAPHIC_PROOF among rules_applied: the artifact alone proves nothing');
}

/** What a verified signature stands behind. */
export class ProvenAuthority extends Derived {
  readonly #artifact: ProofArtifact;

  private constructor(derivation: AuthorityDerivation, artifact: ProofArtifact) {
    super(derivation);
    this.#artifact = artifact;
  }

  get type(): 'ProvenAuthority' {
    return 'ProvenAuthority';
  }

  static of(derivation: AuthorityDerivation, artifact: ProofArtifact): Checked<ProvenAuthority> {
    const checked = checkedFor('ProvenAuthority', derivation, missingProof);
    if (checked.kind === 'refused') return checked;
    const proof = proofOf(artifact);
    const why = artifactRefusal(checked.value, proof);
    return why === undefined ? ok(new ProvenAuthority(checked.value, proof.artifact)) : refused(why);
  }

  static read(document: JsonValue): Checked<ProvenAuthority> {
    const read = checkedShape(decode(PROVEN, document));
    return read.kind === 'ok' ? ProvenAuthority.of(read.value.derivation, read.value.artifact) : read;
  }

  get artifact(): ProofArtifact {
    return this.#artifact;
  }

  override toJson(): JsonValue {
    return encode(PROVEN, { derivation: this.derivation, artifact: this.#artifact });
  }
}

/**
 * Policy packs: read, and checked for what a pack may not be (reference/01 §5.1–5.3).
 *
 *   PP1  rules of structure run in the reference's order and the first one broken is named first; all of them are found;
 *   PP2  a version below the floor may be let through; everything else is checked all the same.
 */
import type { Bytes } from '../../base/bytes.ts';
import { type Digest, digestOf } from '../../base/crypto.ts';
import { CellError } from '../../base/errors.ts';
import { isPortableIdentifier } from '../../base/ids.ts';
import { quoted } from '../spec/issues.ts';
import { readTyped } from '../spec/read-typed.ts';
import { POLICY_PACK_DOCUMENT } from '../spec/wire-types.ts';
import type { TypeOf } from '../spec/shape.ts';
import { type VersionRefusal, versionRefusal } from './version.ts';

export type PolicyPackDocument = TypeOf<typeof POLICY_PACK_DOCUMENT>;
export type PolicyPackSpec = PolicyPackDocument['spec'];
export type PolicyRules = PolicyPackSpec['rules'];

export type PackRule = 'api-version' | 'kind' | 'id' | VersionRefusal | 'max-lifetime' | 'max-memory' | 'max-timeout' | 'egress-contradiction' | 'empty-pattern';

export interface PackMistake {
  readonly rule: PackRule;
  readonly message: string;
}

/** A pack that may be used. */
export interface PolicyPack {
  readonly document: PolicyPackDocument;
  /** Of the bytes as read. */
  readonly digest: Digest;
}

const LIMITS_OF_RULES = [
  ['maxLifetimeTtlSeconds', 'max-lifetime'],
  ['maxMemoryMaxBytes', 'max-memory'],
  ['maxRunTimeoutMs', 'max-timeout'],
] as const;

/** Every mistake, in the order of the reference. @param options.allowDowngrade lets a version below the floor through, and nothing else [PP2] */
export function packMistakes({ apiVersion, kind, spec }: PolicyPackDocument, options: { allowDowngrade: boolean }): readonly PackMistake[] {
  const found: PackMistake[] = [];
  const add = (rule: PackRule, message: string): void => void found.push({ rule, message });
  const { rules } = spec;
  if (apiVersion !== 'cellos.io/v1') add('api-version', `apiVersion has to be cellos.io/v1, not ${quoted(apiVersion)}`);
  if (kind !== 'PolicyPack') add('kind', `kind has to be PolicyPack, not ${quoted(kind)}`);
  if (!isPortableIdentifier(spec.id)) add('id', `spec.id ${quoted(spec.id)} has to be 1 to 128 letters, digits, dots, dashes and underscores, begin with a letter or digit, and hold no ".."`);
  const version = versionRefusal(spec.version, options);
  if (version !== undefined) add(version.reason, `spec.version ${version.message}`);
  for (const [key, rule] of LIMITS_OF_RULES) if (rules[key] !== undefined && BigInt(rules[key]) === 0n) add(rule, `spec.rules.${key} is 0, which no cell can keep; give a larger one or leave it out`);
  if (rules.requireEgressDeclared && rules.forbidOutboundEgressRules) add('egress-contradiction', 'spec.rules.requireEgressDeclared and spec.rules.forbidOutboundEgressRules exclude each other');
  if (rules.allowedEgressHosts.includes('')) add('empty-pattern', 'spec.rules.allowedEgressHosts holds an empty pattern');
  return found;
}

/** @throws CellError `json.invalid` | `document.invalid`; of the latter the fact `rules` names what is broken, the reference's first finding first */
export function parsePolicyPack(bytes: Bytes, options: { allowDowngrade?: boolean } = {}): PolicyPack {
  const document = readTyped(POLICY_PACK_DOCUMENT, bytes, 'the policy pack');
  const mistakes = packMistakes(document, { allowDowngrade: options.allowDowngrade === true });
  if (mistakes.length > 0) throw new CellError('document.invalid', `Cannot use the policy pack: ${mistakes.map(({ message }) => message).join('; ')}`, { facts: { rules: mistakes.map(({ rule }) => rule), reasons: mistakes.map(({ message }) => message) } });
  return { document, digest: digestOf(bytes) };
}

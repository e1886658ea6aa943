/**
 * The structural checks of a policy pack (reference/01 §5.2) and of an authorization policy (§6), in the reference's order.
 *
 *   K1  all faults are found; the first is the one the reference stops at;
 *   K2  an allowed downgrade skips the version floor and nothing else: the reference then skips every check that comes after it.
 */
import { type Digest, digestOf } from '../../base/crypto.ts';
import { type Bytes, utf8 } from '../../base/bytes.ts';
import { isPortableIdentifier } from '../../base/ids.ts';
import { encodeText } from '../spec/encode.ts';
import { quoted } from '../spec/issues.ts';
import { PORTABLE, trimWhiteSpace } from '../spec/predicates.ts';
import { AUTHORIZATION_POLICY_DOCUMENT, type AuthorizationPolicyDocument, POLICY_PACK_DOCUMENT, type PolicyPackDocument } from './policy-shape.ts';
import { type VersionRule, versionFault } from './policy-version.ts';
import { checkDocument, documentOrThrow, type Fault, type PolicyDocumentCheck, type PolicyReadOptions } from './read-document.ts';

const API_VERSION = 'cellos.io/v1';
const CAPS = ['maxLifetimeTtlSeconds', 'maxMemoryMaxBytes', 'maxRunTimeoutMs'] as const;

export type PackRule = 'pack.api-version' | 'pack.kind' | 'pack.id' | VersionRule | `pack.${(typeof CAPS)[number]}` | 'pack.egress-contradiction' | 'pack.empty-host-pattern';
export type AuthorizationRule = 'authorization.api-version' | 'authorization.kind' | 'authorization.no-subjects' | 'authorization.blank-subject' | 'authorization.blank-pool' | 'authorization.blank-pack' | 'authorization.rate';

/** A pack that may decide: read and checked. */
export interface LoadedPack {
  readonly document: PolicyPackDocument;
  /** `sha256:` + hex over the pack as the reference writes it, defaults and all: the same whatever spaces and key order the file has. */
  readonly digest: Digest;
  /** SHA-256 of the file, 64 hex digits, as `sha256sum` prints it. */
  readonly fileHash: string;
  /** Was it read with leave for versions older than the floor? */
  readonly allowDowngrade: boolean;
}

function headFaults<R extends string>(document: { apiVersion: string; kind: string }, kind: string, rules: { apiVersion: R; kind: R }): Fault<R>[] {
  const faults: Fault<R>[] = [];
  if (document.apiVersion !== API_VERSION) faults.push({ rule: rules.apiVersion, path: ['apiVersion'], message: `has to be ${API_VERSION}, not ${quoted(document.apiVersion)}` });
  if (document.kind !== kind) faults.push({ rule: rules.kind, path: ['kind'], message: `has to be ${kind}, not ${quoted(document.kind)}` });
  return faults;
}

/** Structural check of a policy pack [K1, K2]. */
export function packFaults(document: PolicyPackDocument, allowDowngrade: boolean): Fault<PackRule>[] {
  const { id, version, rules } = document.spec;
  const faults = headFaults<PackRule>(document, 'PolicyPack', { apiVersion: 'pack.api-version', kind: 'pack.kind' });
  if (!isPortableIdentifier(id)) faults.push({ rule: 'pack.id', path: ['spec', 'id'], message: PORTABLE });
  const fault = versionFault(version, allowDowngrade);
  if (fault !== undefined) faults.push({ ...fault, path: ['spec', 'version'] });
  for (const cap of CAPS) if (rules[cap] === 0) faults.push({ rule: `pack.${cap}`, path: ['spec', 'rules', cap], message: 'has to be at least 1: nothing could ever keep within 0' });
  if (rules.requireEgressDeclared && rules.forbidOutboundEgressRules) faults.push({ rule: 'pack.egress-contradiction', path: ['spec', 'rules', 'forbidOutboundEgressRules'], message: 'contradicts requireEgressDeclared: no document could satisfy both; keep one' });
  const empty = rules.allowedEgressHosts.indexOf('');
  if (empty >= 0) faults.push({ rule: 'pack.empty-host-pattern', path: ['spec', 'rules', 'allowedEgressHosts', empty], message: 'is an empty pattern, which matches no host; remove it' });
  return faults;
}

const blankAt = (texts: readonly string[]): number => texts.findIndex((text) => trimWhiteSpace(text) === '');

/** Structural check of an authorization policy [K1]. */
export function authorizationFaults(document: AuthorizationPolicyDocument): Fault<AuthorizationRule>[] {
  const { subjects, allowedPools, allowedPolicyPacks, maxCellsPerHour } = document.spec;
  const faults = headFaults<AuthorizationRule>(document, 'AuthorizationPolicy', { apiVersion: 'authorization.api-version', kind: 'authorization.kind' });
  if (subjects.length === 0) faults.push({ rule: 'authorization.no-subjects', path: ['spec', 'subjects'], message: 'is empty, which would refuse every document; to have no authorization policy, name none' });
  const lists = [
    ['authorization.blank-subject', 'subjects', subjects],
    ['authorization.blank-pool', 'allowedPools', allowedPools],
    ['authorization.blank-pack', 'allowedPolicyPacks', allowedPolicyPacks],
  ] as const;
  for (const [rule, key, texts] of lists) {
    const blank = blankAt(texts);
    if (blank >= 0) faults.push({ rule, path: ['spec', key, blank], message: 'is blank; remove it' });
  }
  if (maxCellsPerHour === 0) faults.push({ rule: 'authorization.rate', path: ['spec', 'maxCellsPerHour'], message: 'has to be at least 1; leave it out for no limit' });
  return faults;
}

/** Every mistake of a policy pack, as a value. Never throws. */
export function checkPolicyPack(bytes: Bytes, options: PolicyReadOptions = {}): PolicyDocumentCheck<PolicyPackDocument> {
  return checkDocument(bytes, POLICY_PACK_DOCUMENT, (document) => packFaults(document, options.allowDowngrade === true), options);
}

/** The digest by which evidence names a pack. */
export function packDigest(document: PolicyPackDocument): Digest {
  return digestOf(utf8(encodeText(POLICY_PACK_DOCUMENT, document)));
}

/** @throws CellError `document.invalid` with every mistake */
export function parsePolicyPack(bytes: Bytes, options: PolicyReadOptions = {}): LoadedPack {
  const { document, fileHash } = documentOrThrow(checkPolicyPack(bytes, options), 'policy pack', options.name);
  return { document, digest: packDigest(document), fileHash, allowDowngrade: options.allowDowngrade === true };
}

/** Every mistake of an authorization policy, as a value. Never throws. */
export function checkAuthorizationPolicy(bytes: Bytes, options: PolicyReadOptions = {}): PolicyDocumentCheck<AuthorizationPolicyDocument> {
  return checkDocument(bytes, AUTHORIZATION_POLICY_DOCUMENT, authorizationFaults, options);
}

/** @throws CellError `document.invalid` with every mistake */
export function parseAuthorizationPolicy(bytes: Bytes, options: PolicyReadOptions = {}): AuthorizationPolicyDocument {
  return documentOrThrow(checkAuthorizationPolicy(bytes, options), 'authorization policy', options.name).document;
}

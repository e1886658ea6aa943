/**
 * What a start reads of its trust: verification keys, keyset or chain of keysets, authority ceiling (reference/02 §6.5).
 *
 *   Q1  verification keys and a ceiling that are configured and cannot be used stop the start; a keyset does where keys are required;
 *   Q2  no path leaves this file: events and reasons show the name of a file alone;
 *   Q3  a ceiling older than the newest one seen is refused; the anchor that says so is replaced in one step, after everything else is checked.
 */
import { type Bytes, tryDecodeUtf8, utf8 } from '../../base/bytes.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { formatRfc3339Seconds } from '../../base/rfc3339.ts';
import { keysetVerificationFailedData, keysetVerifiedData } from '../../core/events/authority.ts';
import { EVENTS } from '../../core/events/catalogue.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import { type CeilingManifest, parseCeilingManifest } from '../../core/signing/ceiling-manifest.ts';
import { type KeysetPolicy, type KeysetVerification, PAYLOAD_TYPES, parseKeysetEnvelopeText, verifyKeysetChain, verifyKeysetEnvelope } from '../../core/signing/keyset-envelope.ts';
import { parseVerifyKeys } from '../../core/signing/verify-keys.ts';
import type { TrustFiles } from '../../ports/trust-files.ts';

/** Paths as configured; one that is set to nothing counts as set. */
export interface TrustSettings {
  /** `CELLOS_TRUST_VERIFY_KEYS_PATH` */
  readonly verifyKeysPath?: string | undefined;
  /** `CELLOS_REQUIRE_TRUST_VERIFY_KEYS` */
  readonly requireVerifyKeys: boolean;
  /** `CELLOS_TRUST_KEYSET_CHAIN_PATH`: paths with commas or newlines between them, oldest first. Goes before the next. */
  readonly keysetChainPath?: string | undefined;
  /** `CELLOS_TRUST_KEYSET_PATH` */
  readonly keysetPath?: string | undefined;
  /** `CELLOS_AUTHORITY_CEILING_PATH` */
  readonly ceilingPath?: string | undefined;
  /** `CELLOS_REQUIRE_AUTHORITY_CEILING` */
  readonly requireCeiling: boolean;
  /** `CELLOS_AUTHORITY_CEILING_ANCHOR_PATH` */
  readonly anchorPath?: string | undefined;
}

export interface TrustContext {
  readonly settings: TrustSettings;
  readonly files: TrustFiles;
  /** Nanoseconds since 1970-01-01T00:00:00Z. */
  readonly nowNs: bigint;
  /** What is demanded besides the reference's checks. */
  readonly policy?: Omit<KeysetPolicy, 'payloadType'>;
}

export type TrustRefusal = 'verify-keys' | 'verify-keys-unset' | 'keyset' | 'ceiling' | 'ceiling-unset' | 'ceiling-type' | 'ceiling-manifest' | 'ceiling-stale' | 'anchor';

function stop(reason: TrustRefusal, message: string, cause?: unknown): never {
  throw new CellError('config.invalid', `Cannot start: ${message}`, { facts: { reason }, ...(cause === undefined ? {} : { cause }) });
}

/** @throws CellError `config.invalid` [Q1] */
export function loadVerifyKeys({ settings, files }: TrustContext): Map<string, Bytes> {
  const path = settings.verifyKeysPath;
  if (path === undefined) {
    if (settings.requireVerifyKeys) stop('verify-keys-unset', 'CELLOS_REQUIRE_TRUST_VERIFY_KEYS is set, and CELLOS_TRUST_VERIFY_KEYS_PATH is not');
    return new Map();
  }
  try {
    return parseVerifyKeys(files.read(path));
  } catch (error) {
    stop('verify-keys', `the file of CELLOS_TRUST_VERIFY_KEYS_PATH cannot be used: ${messageOf(error)}`, error);
  }
}

export type KeysetOutcome =
  | { readonly kind: 'not-configured' }
  | { readonly kind: 'verified'; readonly keysetId: string; readonly payloadDigest: string; readonly verifiedSignerKid: string }
  /** `attempted`: name of the file, without its folder. */
  | { readonly kind: 'failed'; readonly attempted: string; readonly reason: string };

const nameOf = (path: string): string => path.split('/').at(-1) || '(unknown)';

interface KeysetSource {
  readonly variable: string;
  readonly paths: readonly string[];
  readonly attempted: string;
}

function keysetSource(settings: TrustSettings): KeysetSource | undefined {
  const { keysetChainPath: chain, keysetPath: single } = settings;
  if (chain !== undefined) {
    const paths = chain.split(/[,\n]/).map((path) => path.trim()).filter((path) => path !== '');
    return { variable: 'CELLOS_TRUST_KEYSET_CHAIN_PATH', paths, attempted: paths.length === 0 ? '(empty chain)' : nameOf(paths.at(-1) ?? '') };
  }
  return single === undefined ? undefined : { variable: 'CELLOS_TRUST_KEYSET_PATH', paths: [single], attempted: nameOf(single) };
}

function keysetIdOf(payload: Bytes): string {
  try {
    const value = parseJson(payload, { duplicates: 'last' });
    if (isJsonObject(value) && typeof value['keysetId'] === 'string') return value['keysetId'];
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
  }
  return '(unknown)';
}

function verifyKeyset(source: KeysetSource, context: TrustContext, keys: ReadonlyMap<string, Bytes>): KeysetVerification {
  if (source.paths.length === 0) throw new CellError('config.invalid', `Cannot read a chain of keysets: ${source.variable} is set, and names no file`);
  const envelopes = source.paths.map((path) => parseKeysetEnvelopeText(context.files.read(path)));
  const verifier = { keys, nowNs: context.nowNs, ...(context.policy === undefined ? {} : { policy: { ...context.policy, payloadType: PAYLOAD_TYPES.keyset } }) };
  return source.variable === 'CELLOS_TRUST_KEYSET_PATH' ? verifyKeysetEnvelope(envelopes[0] ?? stop('keyset', 'no keyset'), verifier) : verifyKeysetChain(envelopes, verifier);
}

/** @throws CellError `config.invalid` where keys are required and the keyset cannot be verified [Q1] */
export function loadKeyset(context: TrustContext, keys: ReadonlyMap<string, Bytes>): KeysetOutcome {
  const source = keysetSource(context.settings);
  if (source === undefined) return { kind: 'not-configured' };
  try {
    const { payload, digest, signers } = verifyKeyset(source, context, keys);
    return { kind: 'verified', keysetId: keysetIdOf(payload), payloadDigest: digest, verifiedSignerKid: signers[0] ?? '' };
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    if (context.settings.requireVerifyKeys) stop('keyset', `the keyset of ${source.variable} does not verify, and CELLOS_REQUIRE_TRUST_VERIFY_KEYS is set: ${messageOf(error)}`, error);
    return { kind: 'failed', attempted: source.attempted, reason: error.message };
  }
}

/** What a start says of its keyset; nothing where none is configured. */
export function keysetEvent(outcome: KeysetOutcome, at: { readonly id: string; readonly nowNs: bigint }): CloudEvent | undefined {
  if (outcome.kind === 'not-configured') return undefined;
  const time = formatRfc3339Seconds(at.nowNs);
  const [info, data] =
    outcome.kind === 'verified'
      ? ([EVENTS.keysetVerified, keysetVerifiedData({ keysetId: outcome.keysetId, payloadDigest: outcome.payloadDigest, verifiedSignerKid: outcome.verifiedSignerKid, verifiedAt: time })] as const)
      : ([EVENTS.keysetVerificationFailed, keysetVerificationFailedData({ attemptedKeysetPath: outcome.attempted, reason: outcome.reason, failedAt: time })] as const);
  return { specversion: '1.0', id: at.id, source: 'cellos-supervisor', type: info.type, datacontenttype: 'application/json', data, time };
}

export interface LoadedCeiling {
  readonly manifest: CeilingManifest;
  readonly manifestDigest: string;
  readonly verifiedSignerKid: string;
}

/** @returns undefined when none is configured. @throws CellError `config.invalid` [Q1] [Q3] */
export function loadCeiling(context: TrustContext, keys: ReadonlyMap<string, Bytes>): LoadedCeiling | undefined {
  const { settings, files } = context;
  if (settings.ceilingPath === undefined) {
    if (settings.requireCeiling) stop('ceiling-unset', 'an authority ceiling is required, and CELLOS_AUTHORITY_CEILING_PATH is not set');
    return undefined;
  }
  const { verification, payloadType } = verifiedCeiling(settings.ceilingPath, context, keys);
  if (payloadType !== PAYLOAD_TYPES.ceiling) stop('ceiling-type', `the file of CELLOS_AUTHORITY_CEILING_PATH is signed as ${payloadType}, not as a ceiling`);
  const manifest = manifestOf(verification.payload);
  if (settings.anchorPath !== undefined) advanceAnchor(files, settings.anchorPath, manifest.ceilingEpoch);
  return { manifest, manifestDigest: verification.digest, verifiedSignerKid: verification.signers[0] ?? '' };
}

function verifiedCeiling(path: string, context: TrustContext, keys: ReadonlyMap<string, Bytes>): { verification: KeysetVerification; payloadType: string } {
  try {
    const envelope = parseKeysetEnvelopeText(context.files.read(path));
    return { verification: verifyKeysetEnvelope(envelope, { keys, nowNs: context.nowNs }), payloadType: envelope.payloadType };
  } catch (error) {
    stop('ceiling', `the ceiling of CELLOS_AUTHORITY_CEILING_PATH cannot be used: ${messageOf(error)}`, error);
  }
}

function manifestOf(payload: Bytes): CeilingManifest {
  try {
    return parseCeilingManifest(payload);
  } catch (error) {
    stop('ceiling-manifest', messageOf(error), error);
  }
}

const U64_MAX = 2n ** 64n - 1n;

/** [Q3] A missing or blank anchor is the first use; the same epoch again is fine. */
function advanceAnchor(files: TrustFiles, path: string, epoch: bigint): void {
  const bytes = files.readIfThere(path);
  const text = bytes === undefined ? '' : (tryDecodeUtf8(bytes)?.trim() ?? '?');
  if (text !== '') {
    if (!/^\+?\d{1,40}$/.test(text) || BigInt(text.replace('+', '')) > U64_MAX) stop('anchor', `${nameOf(path)}, the newest ceiling seen, does not hold one number; put the epoch there, or remove the file`);
    if (epoch < BigInt(text.replace('+', ''))) stop('ceiling-stale', `the ceiling has the epoch ${epoch}, and ${nameOf(path)} says that ${text} was seen`);
  }
  if (text !== String(epoch)) files.replace(path, utf8(String(epoch)));
}

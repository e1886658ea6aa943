/** Adapter of vectors/events/keyset_load: real files in a folder of their own, read as a start reads them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { trustFiles } from '../../src/adapters/os/trust-files.ts';
import { type Bytes, fromBase64Url } from '../../src/base/bytes.ts';
import { errnoOf } from '../../src/base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { eventToJson } from '../../src/core/events/envelope-codec.ts';
import type { TrustFiles } from '../../src/ports/trust-files.ts';
import { keysetEvent, loadCeiling, loadKeyset, loadVerifyKeys, type TrustContext } from '../../src/runtime/trust/load-trust.ts';
import { objectMember, optionalText, refusesFor, sameJson, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

const REASONS = [
  [/CELLOS_TRUST_VERIFY_KEYS_PATH: cannot load/, 'verify-keys'],
  [/is set but CELLOS_TRUST_VERIFY_KEYS_PATH is unset/, 'verify-keys-unset'],
  [/verification failed under CELLOS_REQUIRE_TRUST_VERIFY_KEYS=1/, 'keyset'],
  [/^CELLOS_REQUIRE_AUTHORITY_CEILING is set/, 'ceiling-unset'],
  [/verified envelope payloadType is/, 'ceiling-type'],
  [/inner ceiling manifest is unparseable/, 'ceiling-manifest'],
  [/ceiling_epoch_stale/, 'ceiling-stale'],
  [/freshness anchor/, 'anchor'],
  [/^CELLOS_AUTHORITY_CEILING_PATH: /, 'ceiling'],
] as const;

/** Paths of the vectors are relative to the folder; an empty one names nothing. */
function beneath(folder: string): TrustFiles {
  const at = (path: string): string => (path === '' ? '' : `${folder}/${path}`);
  return { read: (path) => trustFiles.read(at(path)), readIfThere: (path) => trustFiles.readIfThere(at(path)), replace: (path, bytes) => trustFiles.replace(at(path), bytes) };
}

function keysOf(input: JsonObject): Map<string, Bytes> {
  const keys = input['keys'];
  return isJsonObject(keys) ? new Map(Object.keys(keys).map((kid) => [kid, fromBase64Url(textMember(keys, kid)) ?? assert.fail('not base64url')])) : new Map();
}

function contextOf(input: JsonObject, folder: string): TrustContext {
  const env = objectMember(input, 'env');
  const required = input['require'] === true;
  return {
    files: beneath(folder),
    nowNs: BigInt(Number(input['now_unix'] ?? 0)) * 1_000_000_000n,
    settings: {
      verifyKeysPath: optionalText(env['CELLOS_TRUST_VERIFY_KEYS_PATH']),
      requireVerifyKeys: required,
      keysetChainPath: optionalText(env['CELLOS_TRUST_KEYSET_CHAIN_PATH']),
      keysetPath: optionalText(env['CELLOS_TRUST_KEYSET_PATH']),
      ceilingPath: optionalText(env['CELLOS_AUTHORITY_CEILING_PATH']),
      requireCeiling: required,
      anchorPath: optionalText(env['CELLOS_AUTHORITY_CEILING_ANCHOR_PATH']),
    },
  };
}

/** Wording is ours: only that there is a reason is compared. */
const withoutReason = (value: JsonValue | undefined): JsonValue =>
  isJsonObject(value) ? jsonObject(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, key === 'reason' ? typeof member : key === 'data' || key === 'event' ? withoutReason(member) : member]))) : (value ?? null);

function keysetResult(context: TrustContext, keys: Map<string, Bytes>): JsonObject {
  const outcome = loadKeyset(context, keys);
  const event = keysetEvent(outcome, { id: '', nowNs: context.nowNs });
  const shown = event === undefined ? null : jsonObject({ ...eventToJson(event), id: null });
  switch (outcome.kind) {
    case 'not-configured':
      return jsonObject({ event: shown, outcome: 'NotConfigured' });
    case 'verified':
      return jsonObject({ event: shown, outcome: 'Verified', keysetId: outcome.keysetId, payloadDigest: outcome.payloadDigest, verifiedSignerKid: outcome.verifiedSignerKid });
    case 'failed':
      return jsonObject({ event: shown, outcome: 'Failed', basename: outcome.attempted, reason: outcome.reason });
  }
}

function ceilingResult(context: TrustContext, keys: Map<string, Bytes>, folder: string): JsonObject {
  const loaded = loadCeiling(context, keys);
  if (loaded === undefined) return jsonObject({ outcome: 'NotConfigured' });
  const anchor = context.settings.anchorPath;
  const { manifest, manifestDigest, verifiedSignerKid } = loaded;
  const epoch = manifest.ceilingEpoch <= Number.MAX_SAFE_INTEGER ? Number(manifest.ceilingEpoch) : manifest.ceilingEpoch;
  return jsonObject({ outcome: 'Verified', ceilingEpoch: epoch, manifestDigest, verifiedSignerKid, anchor_after: anchor === undefined ? undefined : readFileSync(`${folder}/${anchor}`, 'utf8') });
}

export const loadAdapters: Readonly<Record<string, VectorAdapter>> = {
  'events/keyset_load': ({ input, expect }) => {
    const folder = mkdtempSync(`${tmpdir()}/cellos-vectors-`);
    try {
      const files = objectMember(input, 'files');
      for (const name of Object.keys(files)) writeFileSync(`${folder}/${name}`, textMember(files, name));
      const { symlinks } = input;
      if (isJsonObject(symlinks)) {
        for (const name of Object.keys(symlinks)) {
          try {
            symlinkSync(`${folder}/${textMember(symlinks, name)}`, `${folder}/${name}`);
          } catch (error) {
            if (errnoOf(error) !== 'EEXIST') throw error; // the case has a file of that name
          }
        }
      }
      const context = contextOf(input, folder);
      const keys = keysOf(input);
      const load = (): JsonValue => {
        switch (textMember(input, 'fn')) {
          case 'load_trust_verify_keys_from_env':
            return [...loadVerifyKeys(context).keys()];
          case 'load_and_verify_trust_keyset_from_env':
            return keysetResult(context, keys);
          case 'load_and_verify_ceiling_from_env':
            return ceilingResult(context, keys, folder);
          default:
            assert.fail(`no such function: ${textMember(input, 'fn')}`);
        }
      };
      if (expect['error'] !== undefined) refusesFor(load, textMember(expect, 'error'), REASONS, ['config.invalid']);
      else if (isJsonObject(expect['ok'])) {
        const anchor = expect['ok']['anchor_after'];
        sameJson(withoutReason(load()), withoutReason(jsonObject({ ...expect['ok'], anchor_after: anchor ?? undefined })));
      } else sameJson(load(), expect['ok']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

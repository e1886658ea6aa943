/** Adapters of vectors/events about keysets, chains and the evidence made of signed events. */
import assert from 'node:assert/strict';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { crossHostEntryDigest, signCrossHostEntry, verifyCrossHostChains } from '../../src/core/evidence/cross-host-chain.ts';
import { parseControlCatalogue, rollUpControls, rollupText } from '../../src/core/evidence/control-rollup.ts';
import { signEvidencePackage, verifyEvidencePackage } from '../../src/core/evidence/evidence-package.ts';
import { hostBaselineEvent, parseHostBaseline, verifyHostBaseline } from '../../src/core/evidence/host-baseline.ts';
import { oscalText } from '../../src/core/evidence/oscal.ts';
import { eventText } from '../../src/core/events/envelope-codec.ts';
import { envelopeText, parseEnvelope, signEvent } from '../../src/core/signing/envelope.ts';
import { type KeysetVerifier, parseKeysetEnvelope, verifyKeysetChain, verifyKeysetEnvelope, verifyRevocations } from '../../src/core/signing/keyset-envelope.ts';
import { ENVELOPE_REASONS, keysMember, signerOf, VERIFY_CODES } from './events-signing.ts';
import { objectMember, refusesFor, sameJson, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

export const KEYSET_REASONS = [
  [/^parse: /, 'malformed'],
  [/revocation list: expected payloadType/, 'not-a-revocation'],
  [/payload is not a RevocationListV1/, 'revocation-shape'],
  [/chain: empty chain/, 'empty-chain'],
  [/failed verification:/, 'chain-envelope'],
  [/missing replacesEnvelopeDigest/, 'link-missing'],
  [/replacesEnvelopeDigest mismatch/, 'link-mismatch'],
  [/payloadType must be one of/, 'payload-type'],
  [/payload is not valid base64url/, 'payload-base64'],
  [/payload digest mismatch/, 'payload-digest'],
  [/has no signatures/, 'no-signatures'],
  [/is not RFC3339/, 'bad-window'],
  [/no signature verified/, 'no-signature-verified'],
  [/distinct signers verified, need/, 'too-few-signers'],
] as const;

export const KEYSET_CODES: readonly ErrorCode[] = ['signature.invalid', 'document.invalid'];

const CHAIN_REASONS = [
  ...ENVELOPE_REASONS,
  [/entry: missing data/, 'missing-data'],
  [/missing nodeId/, 'node-missing'],
  [/nodeId not a string/, 'node-shape'],
  [/missing seq/, 'seq-missing'],
  [/seq not a u64/, 'seq-shape'],
  [/missing prevDigest/, 'prev-missing'],
  [/prevDigest not a string/, 'prev-shape'],
  [/seq gap/, 'seq-gap'],
  [/chain break/, 'chain-break'],
] as const;

const BASELINE_REASONS = [...ENVELOPE_REASONS, [/host-baseline: missing data/, 'missing-data'], [/host-baseline: parse/, 'shape']] as const;

const PACKAGE_REASONS = [
  ...ENVELOPE_REASONS,
  [/package: missing data/, 'missing-data'],
  [/package: missing artifacts/, 'missing-artifacts'],
  [/artifact digests do not match/, 'artifacts-differ'],
] as const;

const EVIDENCE_CODES: readonly ErrorCode[] = [...VERIFY_CODES, 'evidence.invalid'];

const verifierOf = (input: JsonObject): KeysetVerifier => ({ keys: keysMember(input, 'keys_hex'), nowNs: BigInt(Number(input['now_unix'])) * 1_000_000_000n });
const listMember = (input: JsonObject, key: string): readonly JsonValue[] => (input[key] ?? []) as readonly JsonValue[];

function artifactsOf(input: JsonObject): { name: string; bytes: Uint8Array }[] {
  return listMember(input, 'artifacts').map((artifact) => {
    assert.ok(isJsonObject(artifact));
    return { name: textMember(artifact, 'name'), bytes: fromHex(textMember(artifact, 'bytes_hex')) ?? assert.fail('not hex') };
  });
}

export const trustAdapters: Readonly<Record<string, VectorAdapter>> = {
  'events/keyset_envelope': ({ input, expect }) => {
    const verify = () => verifyKeysetEnvelope(parseKeysetEnvelope(input['envelope'] ?? null), verifierOf(input));
    if (expect['error'] === undefined) assert.equal(toHex(verify().payload), textMember(objectMember(expect, 'ok'), 'payload_hex'));
    else refusesFor(verify, textMember(expect, 'error'), KEYSET_REASONS, KEYSET_CODES);
  },

  'events/keyset_chain': ({ input, expect }) => {
    const verify = () => verifyKeysetChain(listMember(input, 'chain').map(parseKeysetEnvelope), verifierOf(input));
    if (expect['error'] === undefined) assert.equal(toHex(verify().payload), textMember(objectMember(expect, 'ok'), 'head_payload_hex'));
    else refusesFor(verify, textMember(expect, 'error'), KEYSET_REASONS, KEYSET_CODES);
  },

  'events/revocation': ({ input, expect }) => {
    const verify = () => verifyRevocations(parseKeysetEnvelope(input['envelope'] ?? null), verifierOf(input));
    if (expect['error'] === undefined) assert.deepEqual([...verify().kids].sort(), expect['ok']);
    else refusesFor(verify, textMember(expect, 'error'), KEYSET_REASONS, KEYSET_CODES);
  },

  'events/cross_host_chain': ({ input, expect }) => {
    if (textMember(input, 'fn') === 'build_chain_entry') {
      const entry = { nodeId: textMember(input, 'node_id'), seq: input['seq'] as number | bigint, prevDigest: textMember(input, 'prev_digest'), payload: input['payload'] ?? null };
      const envelope = signCrossHostEntry(entry, signerOf(input));
      const ok = objectMember(expect, 'ok');
      assert.equal(envelopeText(envelope), textMember(ok, 'envelope_json'));
      assert.equal(crossHostEntryDigest(envelope.event), textMember(ok, 'entry_digest'));
      return;
    }
    const verify = () => verifyCrossHostChains(listMember(input, 'entries').map(parseEnvelope), keysMember(input, 'keys_hex'));
    if (expect['error'] === undefined) {
      const heads = Object.fromEntries([...verify()].map(([node, seq]) => [node, seq <= Number.MAX_SAFE_INTEGER ? Number(seq) : seq]));
      sameJson(heads, expect['ok']);
    } else refusesFor(verify, textMember(expect, 'error'), CHAIN_REASONS, EVIDENCE_CODES);
  },

  'events/host_baseline': ({ input, expect }) => {
    if (input['attestation'] !== undefined) {
      const ok = objectMember(expect, 'ok');
      const event = hostBaselineEvent(parseHostBaseline(input['attestation']));
      if (ok['event_json'] !== undefined) assert.equal(eventText(event), textMember(ok, 'event_json'));
      assert.equal(envelopeText(signEvent(event, signerOf(input))), textMember(ok, 'envelope_json'));
      return;
    }
    const verify = () => verifyHostBaseline(parseEnvelope(input['envelope'] ?? null), keysMember(input, 'keys_hex'));
    if (expect['error'] === undefined) sameJson(verify() as unknown as JsonValue, expect['ok']);
    else refusesFor(verify, textMember(expect, 'error'), BASELINE_REASONS, EVIDENCE_CODES);
  },

  'events/evidence_package': ({ input, expect }) => {
    if (textMember(input, 'fn') === 'sign') {
      const envelope = signEvidencePackage({ period: textMember(input, 'period'), artifacts: artifactsOf(input), signer: signerOf(input) });
      assert.equal(envelopeText(envelope), textMember(objectMember(expect, 'ok'), 'envelope_json'));
      return;
    }
    const verify = () => verifyEvidencePackage(parseEnvelope(input['envelope'] ?? null), artifactsOf(input), keysMember(input, 'keys_hex'));
    if (expect['error'] === undefined) verify();
    else refusesFor(verify, textMember(expect, 'error'), PACKAGE_REASONS, EVIDENCE_CODES);
  },

  'events/evidence_oscal': ({ input, expect }) => {
    const emit = () => oscalText(parseControlCatalogue(input['catalog'] ?? null));
    if (expect['error'] === undefined) assert.equal(emit(), textMember(objectMember(expect, 'ok'), 'text'));
    else refusesFor(emit, textMember(expect, 'error'), [[/missing field|invalid type/, 'document.invalid']], ['document.invalid']);
  },

  'events/evidence_rollup': ({ input, expect }) => {
    const roll = () => rollUpControls(parseControlCatalogue(input['catalog'] ?? null), listMember(input, 'events').map(parseEnvelope), keysMember(input, 'keys_hex'));
    if (expect['error'] === undefined) assert.equal(rollupText(roll()), textMember(objectMember(expect, 'ok'), 'report_json'));
    else refusesFor(roll, textMember(expect, 'error'), [[/missing field|invalid type/, 'document.invalid']], ['document.invalid']);
  },
};

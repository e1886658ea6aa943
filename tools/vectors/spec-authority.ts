/** Adapters of vectors/spec about derivation tokens, capabilities, host baselines and keyset envelopes. */
import assert from 'node:assert/strict';
import { toHex } from '../../src/base/bytes.ts';
import { canonicalText } from '../../src/base/canonical-json.ts';
import type { JsonObject, JsonValue } from '../../src/base/json.ts';
import { isSuperset } from '../../src/core/authority/capability.ts';
import { derivationPayload, type DerivationRefusal, scopeRefusal, verifyDerivation } from '../../src/core/authority/derivation.ts';
import { eventText, eventToJson } from '../../src/core/events/envelope-codec.ts';
import { hostBaselineEvent, parseHostBaseline } from '../../src/core/evidence/host-baseline.ts';
import { type KeysetVerifier, parseKeysetEnvelope, verifyKeysetChain, verifyKeysetEnvelope } from '../../src/core/signing/keyset-envelope.ts';
import { decode } from '../../src/core/spec/decode.ts';
import type { AuthorityCapability, AuthorityDerivationToken, ExecutionCellSpec } from '../../src/core/spec/document.ts';
import { DERIVATION_TOKEN, EXECUTION_CELL_SPEC } from '../../src/core/spec/document-shape.ts';
import type { Shape } from '../../src/core/spec/shape.ts';
import { WIRE_SHAPES } from '../../src/core/spec/wire-types.ts';
import { keysMember } from './events-signing.ts';
import { KEYSET_CODES, KEYSET_REASONS } from './events-trust.ts';
import { objectMember, optionalText, refuses, refusesFor, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

function read<T>(shape: Shape<T>, value: JsonValue | undefined): T {
  const { value: decoded, errors } = decode(shape, value ?? null);
  assert.equal(errors.count, 0, JSON.stringify(errors.list));
  return decoded as T;
}

const capability = (value: JsonValue | undefined): AuthorityCapability => read(WIRE_SHAPES['AuthorityCapability'] as Shape<AuthorityCapability>, value);
const token = (input: JsonObject): AuthorityDerivationToken => read(DERIVATION_TOKEN, input['token']);

/** The reference's texts, once, and our reason. */
const DERIVATION_REASONS: readonly (readonly [RegExp, readonly DerivationRefusal[]])[] = [
  [/leafCapability exceeds spec\.authority/, ['leaf-egress', 'leaf-secrets']],
  [/unknown role: /, ['unknown-role']],
  [/verifying key for role .* is not valid base64/, ['key-base64']],
  [/verifying key for role .* must be 32 bytes/, ['key-length']],
  [/grantor signature is not valid base64/, ['signature-base64']],
  [/grantor signature must be 64 bytes/, ['signature-length']],
  [/signature invalid/, ['signature']],
];

/** The typed result: its variant, and how long the lists compared are. */
function typedOf(verdict: ReturnType<typeof verifyDerivation>): object {
  if (verdict.kind === 'valid') return { variant: 'Valid' };
  const { reason, declared, claimed } = verdict;
  if (reason === 'leaf-egress') return { variant: 'ExceedsGrantorEgress', declared, claimed };
  return reason === 'leaf-secrets' ? { variant: 'ExceedsGrantorSecrets', declared, claimed } : { variant: 'InvalidSignature' };
}

const verifierOf = (input: JsonObject): KeysetVerifier => ({ keys: keysMember(input, 'keys'), nowNs: BigInt(Number(input['now_unix'])) * 1_000_000_000n });

export const authorityAdapters: Readonly<Record<string, VectorAdapter>> = {
  'spec/capability-superset': ({ input, expect }) => assert.equal(isSuperset(capability(input['parent']), capability(input['child'])), expect['ok']),

  'spec/derivation-payload': ({ input, expect }) => assert.equal(toHex(derivationPayload(token(input))), textMember(objectMember(expect, 'ok'), 'bytes_hex')),

  'spec/derivation-scope': ({ input, expect }) => {
    const refusal = scopeRefusal(token(input), { allowUniversal: input['allowUniversal'] === true });
    if (expect['error'] === undefined) assert.equal(refusal, undefined);
    else assert.match(refusal ?? '', /parentRunId/);
  },

  'spec/derivation-verify': ({ input, expect }) => {
    const spec = read(EXECUTION_CELL_SPEC as Shape<ExecutionCellSpec>, input['spec']);
    const verdict = verifyDerivation(spec.authority, token(input), new Map(Object.entries(objectMember(input, 'roleKeys')) as [string, string][]));
    const error = optionalText(expect['error']);
    assert.equal(verdict.kind === 'valid', error === undefined, JSON.stringify(verdict));
    if (error !== undefined && verdict.kind === 'refused') {
      const reasons = DERIVATION_REASONS.find(([pattern]) => pattern.test(error))?.[1];
      assert.ok(reasons?.includes(verdict.reason), `${error} → ${verdict.reason}`);
    }
    const typed = expect['typed'] as JsonObject | undefined;
    if (typed !== undefined) assert.deepEqual({ ...typedOf(verdict) }, Object.fromEntries(Object.entries(typed).filter(([key]) => key !== 'reason')));
  },

  'spec/host-baseline-event': ({ input, expect }) => {
    const made = () => hostBaselineEvent(parseHostBaseline(input['attestation'] ?? null));
    if (expect['error'] !== undefined) {
      refuses(made, ['evidence.invalid', 'document.invalid']);
      return;
    }
    const ok = objectMember(expect, 'ok');
    assert.equal(eventText(made()), textMember(ok, 'event'));
    assert.equal(canonicalText(eventToJson(made())), textMember(ok, 'canonical'));
  },

  'spec/keyset-envelope': ({ input, expect }) => {
    const { chain } = input;
    const verify = () => (chain === undefined ? verifyKeysetEnvelope(parseKeysetEnvelope(input['envelope'] ?? null), verifierOf(input)) : verifyKeysetChain((chain as JsonValue[]).map(parseKeysetEnvelope), verifierOf(input)));
    if (expect['error'] !== undefined) {
      refusesFor(verify, textMember(expect, 'error'), KEYSET_REASONS, KEYSET_CODES);
      return;
    }
    const [hex] = Object.values(objectMember(expect, 'ok'));
    assert.equal(toHex(verify().payload), hex);
  },
};

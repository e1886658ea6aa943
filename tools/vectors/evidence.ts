/** Adapters of test/vectors/evidence: proofs, checkpoints, envelopes and statements that others can hold their verifiers against too. */
import assert from 'node:assert/strict';
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { isJsonArray, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import { parseCheckpoint } from '../../src/core/evidence/checkpoint.ts';
import { verifyConsistency, verifyInclusion } from '../../src/core/evidence/merkle-proofs.ts';
import { parseStatement } from '../../src/core/evidence/statement.ts';
import { verifyDsse } from '../../src/core/signing/dsse.ts';
import { objectMember, refuses, sameJson, textMember } from './expect.ts';
import type { VectorAdapter, VectorCase } from './vector.ts';

const hexMember = (object: JsonObject, key: string): Uint8Array => fromHex(textMember(object, key)) ?? assert.fail(`${key} is not hex`);
const sizeMember = (object: JsonObject, key: string): bigint => BigInt(textMember(object, key));

function listMember(object: JsonObject, key: string): readonly JsonValue[] {
  const value = object[key];
  assert.ok(isJsonArray(value), `the vector has no list ${key}`);
  return value;
}

const proofOf = (input: JsonObject): Uint8Array[] => listMember(input, 'proof').map((node) => fromHex(String(node)) ?? assert.fail('a node is not hex'));

const inclusion: VectorAdapter = ({ input, expect }) => {
  const claim = { index: sizeMember(input, 'index'), size: sizeMember(input, 'size'), leafHash: hexMember(input, 'leafHash'), root: hexMember(input, 'root'), proof: proofOf(input) };
  assert.equal(verifyInclusion(claim), expect['ok'] === true);
};

const consistency: VectorAdapter = ({ input, expect }) => {
  const claim = { size1: sizeMember(input, 'size1'), size2: sizeMember(input, 'size2'), root1: hexMember(input, 'root1'), root2: hexMember(input, 'root2'), proof: proofOf(input) };
  assert.equal(verifyConsistency(claim), expect['ok'] === true);
};

/** Refused with one of the codes, or the same as expected. */
function held({ expect }: VectorCase, codes: readonly ErrorCode[], work: () => JsonValue): void {
  if (expect['ok'] === undefined) refuses(work, codes);
  else sameJson(work(), expect['ok']);
}

const checkpoint: VectorAdapter = (vector) =>
  held(vector, ['signature.invalid', 'crypto.key'], () => {
    const { origin, size, root, extensions, cosignatures, unknown } = parseCheckpoint(hexMember(vector.input, 'note'), listMember(vector.input, 'verifiers').map(String));
    return { origin, size: String(size), root: toHex(root), extensions, cosigned: cosignatures.map(({ key, timestamp }) => [key.name, String(timestamp)]), unknown };
  });

const dsse: VectorAdapter = (vector) =>
  held(vector, ['signature.invalid', 'crypto.key', 'json.invalid'], () => {
    const asked = objectMember(vector.input, 'verifiers');
    const keys = listMember(asked, 'keys').map((key) => ({ keyid: textMember(key as JsonObject, 'keyid'), publicKey: hexMember(key as JsonObject, 'publicKey') }));
    const verified = verifyDsse(textMember(vector.input, 'envelope'), { keys, threshold: Number(asked['threshold']), payloadTypes: listMember(asked, 'payloadTypes').map(String) });
    return { keys: verified.keys.map((key) => key.keyid ?? ''), payload: toHex(verified.payload) };
  });

const statement: VectorAdapter = (vector) =>
  held(vector, ['evidence.invalid', 'json.invalid'], () => {
    const { predicateType, predicate, subjects } = parseStatement(utf8(textMember(vector.input, 'payload')));
    return { predicateType, predicate, subjects: subjects.map(({ name, digest }) => ({ ...(name === undefined ? {} : { name }), digest: Object.fromEntries(digest) })) };
  });

export const evidenceAdapters: Readonly<Record<string, VectorAdapter>> = {
  'evidence/merkle-inclusion': inclusion,
  'evidence/merkle-consistency': consistency,
  'evidence/checkpoint': checkpoint,
  'evidence/dsse': dsse,
  'evidence/statement': statement,
};

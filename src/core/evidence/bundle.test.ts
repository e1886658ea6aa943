import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toBase64, toBase64Url, utf8 } from '../../base/bytes.ts';
import { jcsBytes } from '../../base/canonical-json.ts';
import { digestOf, p256SigningKey } from '../../base/crypto.ts';
import type { JsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { preAuthEncoding } from '../signing/dsse.ts';
import { makeAttestation, PREDICATE_TYPE, verifyAttestation } from './bundle.ts';
import { STATEMENT_PAYLOAD_TYPE, STATEMENT_TYPE } from './statement.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = p256SigningKey(new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' })));
const keys = new Map([['b', key.publicKey]]);
const digest = digestOf(utf8('records'));
const predicate = { runId: 'r', count: 2, head: 'sha256:h', gaps: 0, outcome: 'exited' };
const subject = (name: string | undefined, sha256 = digest.slice('sha256:'.length)): object => ({ ...(name === undefined ? {} : { name }), digest: { sha256 } });
const json = (value: unknown): JsonObject => parseJson(JSON.stringify(value)) as JsonObject;

/** An attestation of whatever statement, rightly signed. */
function attested(change: object = {}, outside: object = {}): Uint8Array {
  const payload = jcsBytes(json({ _type: STATEMENT_TYPE, subject: [subject('records.jsonl')], predicateType: PREDICATE_TYPE, predicate, ...change }));
  const sig = toBase64(key.sign(preAuthEncoding(STATEMENT_PAYLOAD_TYPE, payload)));
  return jcsBytes(json({ payloadType: STATEMENT_PAYLOAD_TYPE, payload: toBase64(payload), signatures: [{ keyid: 'b', sig }], ...outside }));
}

const invalid = expect.objectContaining({ code: 'evidence.invalid' });

describe('verifyAttestation()', () => {
  it('gives back what was attested', () => {
    const made = makeAttestation({ files: new Map([['records.jsonl', digest], ['b', digest]]), predicate, signer: { kid: 'b', sign: key.sign } });
    expect(verifyAttestation(made, keys)).toEqual({ kid: 'b', files: new Map([['records.jsonl', digest], ['b', digest]]), predicate });
    expect(verifyAttestation(attested(), keys).files).toEqual(new Map([['records.jsonl', digest]]));
  });

  it('refuses statements of other things, rightly signed as they are', () => {
    const changes: object[] = [{ predicateType: 'https://slsa.dev/provenance/v1' }, { _type: 'https://in-toto.io/Statement/v0.1' }, { subject: [] }, { subject: [subject('a'), subject('a')] }, { subject: [subject(undefined)] }, { subject: [{ name: 'a', digest: { sha512: 'ab'.repeat(64) } }] }, { subject: [subject('a', 'AB'.repeat(32))] }, { predicate: undefined }, ...Object.keys(predicate).map((member) => ({ predicate: { ...predicate, [member]: null } }))];
    for (const change of changes) expect(() => verifyAttestation(attested(change), keys), JSON.stringify(change)).toThrow(invalid);
  });

  it('has one spelling, unlike DSSE: no second signature, no other base64, no member more, no space', () => {
    const good = attested();
    const envelope = json(JSON.parse(new TextDecoder().decode(good)));
    const [signature] = envelope['signatures'] as unknown as [{ keyid: string; sig: string }];
    const outside: object[] = [{ signatures: [signature, signature] }, { signatures: [] }, { signatures: [{ ...signature, more: 1 }] }, { more: 1 }, { payload: toBase64Url(Buffer.from(envelope['payload'] as string, 'base64')) }, { payload: `${envelope['payload'] as string}=` }, { payloadType: 'application/json' }, { signatures: [{ ...signature, sig: `${signature.sig} ` }] }, { signatures: [{ ...signature, keyid: 'other' }] }];
    for (const change of outside) expect(() => verifyAttestation(attested({}, change), keys), JSON.stringify(change).slice(0, 80)).toThrow(invalid);
    for (const text of [` ${new TextDecoder().decode(good)}`, `${new TextDecoder().decode(good)}\n`]) expect(() => verifyAttestation(utf8(text), keys)).toThrow(invalid);
  });
});

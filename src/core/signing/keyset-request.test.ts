import { describe, expect, it } from 'vitest';
import { type Bytes, toBase64Url, utf8 } from '../../base/bytes.ts';
import { isJsonArray, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { rootMap, sampleHistory, sampleKey, type SampleKey, sampleValue } from '../../testing/sample-keys.ts';
import { type KeysetContent, keysetPayload } from './keyset.ts';
import { verifyHistory } from './keyset-chain.ts';
import { answeredKeyset, checkKeysetRequest, type KeysetRequest, keysetRequestFile, parseKeysetRequest, rootsOfRequest, signKeysetRequest } from './keyset-request.ts';

const roots = [sampleKey('root', 211), sampleKey('root', 212), sampleKey('root', 213)] as [SampleKey, SampleKey, SampleKey];
const [first, second] = [sampleKey('event', 1), sampleKey('event', 2, 'next')];
const options = { roots, threshold: 2 };
const value = sampleValue([[first]], options);
const chain = isJsonArray(value) ? value : [];
const { head } = sampleHistory([[first]], options);

function asked(change: Partial<KeysetContent> = {}): KeysetRequest {
  return { chain, payload: keysetPayload({ keysetId: 'sample', epoch: 2, previous: head.digest, producedAt: '2026-01-02T00:00:00Z', threshold: 2, keys: [...roots, first, second], ...change }), signatures: [] };
}

const chainWith = (answer: Bytes): JsonValue => [...chain, parseJson(answer)];

describe('a request for a keyset', () => {
  it('goes to those who hold root keys and back, and is a keyset when enough have signed [N2] [N3]', () => {
    const pin = { roots: rootMap(roots), threshold: 2 };
    const sent = parseKeysetRequest(keysetRequestFile(asked()));
    expect(sent).toEqual(asked());
    const once = parseKeysetRequest(keysetRequestFile(signKeysetRequest(sent, [roots[2]])));
    expect(() => verifyHistory(chainWith(answeredKeyset(once)), pin)).toThrow(expect.objectContaining({ facts: { reason: 'untrusted' } }));
    const twice = signKeysetRequest(once, [roots[0]]);
    expect(verifyHistory(chainWith(answeredKeyset(twice)), pin).head).toMatchObject({ epoch: 2, signers: ['root-211', 'root-213'] });
    // Who signs again replaces his own signature.
    expect(signKeysetRequest(twice, [roots[0], roots[2]]).signatures.map(({ signerKid }) => signerKid)).toEqual(['root-211', 'root-213']);
    expect(twice.payload).toEqual(asked().payload);
  });

  it('shows what changes, and nothing that does not follow its chain [N1]', () => {
    const own = rootsOfRequest(asked());
    expect(own).toEqual(rootMap(roots));
    expect(checkKeysetRequest(asked(), own)).toMatchObject({ before: { head: { epoch: 1 } }, content: { epoch: 2 }, changed: [{ kid: 'event-2', state: 'next' }] });
    const refused = (reason: string) => expect.objectContaining({ code: 'signature.invalid', facts: { reason } });
    expect(() => checkKeysetRequest(asked({ epoch: 3 }), own)).toThrow(refused('broken-chain'));
    expect(() => checkKeysetRequest(asked({ keys: [...roots, second] }), own)).toThrow(refused('broken-chain'));
    expect(() => checkKeysetRequest(asked({ threshold: 1 }), own)).toThrow(refused('broken-chain'));
    expect(() => checkKeysetRequest({ ...asked(), payload: utf8('{}') }, own)).toThrow(refused('malformed'));
    expect(() => checkKeysetRequest({ ...asked(), chain: [] }, own)).toThrow(refused('malformed'));
    expect(() => checkKeysetRequest(asked(), rootMap([sampleKey('root', 220)]))).toThrow(refused('untrusted'));
  });

  it('has one form', () => {
    const no = (what: string) => expect.objectContaining({ code: 'document.invalid', message: `Cannot read the request for a keyset: ${what}` });
    const parse = (change: object) => () => parseKeysetRequest(utf8(JSON.stringify({ v: 1, chain: [], payload: toBase64Url(asked().payload), signatures: [], ...change })));
    expect(parse({})().signatures).toEqual([]);
    for (const change of [{ v: 2 }, { more: 1 }, { chain: undefined }]) expect(parse(change)).toThrow(no('it is not an object with v, chain, payload and signatures'));
    expect(() => parseKeysetRequest(utf8('[]'))).toThrow(no('it is not an object with v, chain, payload and signatures'));
    for (const change of [{ chain: {} }, { payload: 1 }, { payload: '*' }, { signatures: 1 }]) expect(parse(change)).toThrow(no('its chain, payload or signatures are not what they have to be'));
    for (const signature of [1, {}, { signerKid: 'a' }, { signerKid: 1, signature: '' }, { signerKid: 'a', signature: '*' }]) expect(parse({ signatures: [signature] })).toThrow(no('a signature of it is malformed'));
    for (const bad of [[], [1], [{}], [{ payload: 1 }], [{ payload: '*' }]]) expect(() => rootsOfRequest({ ...asked(), chain: bad as JsonValue[] })).toThrow(no('its chain is empty, or no chain of keysets'));
  });
});

/** DSSE envelopes and the Statements in them: nothing is handed out but what was signed. */
import { equalBytes, toBase64, toBase64Url, utf8 } from '../../src/base/bytes.ts';
import { ed25519SigningKey } from '../../src/base/crypto.ts';
import { assert, isCellError } from '../../src/base/errors.ts';
import { parseStatement } from '../../src/core/evidence/statement.ts';
import { preAuthEncoding, verifyDsse } from '../../src/core/signing/dsse.ts';

const TYPE = 'application/vnd.in-toto+json';
const keys = [1, 2, 3].map((seed) => ed25519SigningKey(new Uint8Array(32).fill(seed)));
const payload = utf8(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a","digest":{"sha256":"${'0a'.repeat(32)}"}}],"predicateType":"p","predicate":{}}`);
const signatures = keys.map((key, n) => ({ keyid: `k${n}`, sig: toBase64(key.sign(preAuthEncoding(TYPE, payload))) }));
const verifiers = { keys: keys.map(({ publicKey }, n) => ({ keyid: `k${n}`, publicKey })), threshold: 2 };

export const seeds = [
  JSON.stringify({ payloadType: TYPE, payload: toBase64(payload), signatures }),
  JSON.stringify({ payloadType: TYPE, payload: toBase64Url(payload), signatures: signatures.slice(1) }),
  JSON.stringify({ payloadType: TYPE, payload: toBase64(payload), signatures: [signatures[0], signatures[0]] }),
  payload,
];

function statement(bytes: Uint8Array): void {
  try {
    const { subjects } = parseStatement(bytes);
    assert(subjects.length > 0 && subjects.every(({ digest }) => digest.size > 0), 'a subject is its digests');
  } catch (error) {
    if (!isCellError(error) || error.code === 'internal.bug') throw error;
  }
}

export default function dsse(bytes: Uint8Array): void {
  statement(bytes);
  const verified = verifyDsse(bytes, verifiers);
  assert(equalBytes(verified.payload, payload) && verified.payloadType === TYPE, 'nothing is handed out but what was signed');
  assert(new Set(verified.keys).size === verified.keys.length && verified.keys.length >= 2, 'a key counts once');
}

/**
 * The file of public keys events are verified with: JSON object kid → base64url Ed25519 key (reference/02 §6.1).
 *
 *   X1  key ids are compared as decoded text: two spellings of one id are a duplicate, which the reference does not see;
 *   X2  what loads here may still never verify: a key of small order is refused with every signature;
 *   X3  the number of keys is bounded: to look whether a key is a point of the curve costs half a millisecond.
 *
 * And the file of HMAC keys beside it (reference/02 §5.4), whose values are any bytes but none.
 */
import { type Bytes, fromBase64Url } from '../../base/bytes.ts';
import { compareCodePoints } from '../../base/canonical-json.ts';
import { isPointOnCurve } from '../../base/ed25519-point.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';

export type VerifyKeysRefusal = 'not-an-object' | 'duplicate-kid' | 'not-a-string' | 'not-base64url' | 'bad-length' | 'not-a-point' | 'empty' | 'too-many';

function refuse(reason: VerifyKeysRefusal, message: string, kid = ''): never {
  throw new CellError('document.invalid', `Cannot read the verification keys: ${message}`, { facts: { reason, kid } });
}

/** @param check refuses bytes that are no key. @returns keys in the order of their ids */
function parseKeys(input: Bytes | string, check: (key: Bytes, kid: string) => void): Map<string, Bytes> {
  const repeated: { object: JsonObject; key: string }[] = [];
  const value = parseJson(input, { duplicates: 'last', onDuplicate: (object, key) => repeated.push({ object, key }) });
  if (!isJsonObject(value)) refuse('not-an-object', 'it is not an object of key ids and public keys');
  const again = repeated.find(({ object }) => object === value)?.key;
  if (again !== undefined) refuse('duplicate-kid', `the key id "${again}" stands twice`, again); // X1
  const kids = Object.keys(value);
  if (kids.length > LIMITS.verifyKeysMax) refuse('too-many', `it holds ${kids.length} keys, more than ${LIMITS.verifyKeysMax}`); // X3
  const keys = new Map<string, Bytes>();
  for (const kid of kids.sort(compareCodePoints)) {
    const text = value[kid];
    if (typeof text !== 'string') refuse('not-a-string', `the value of "${kid}" is not a string`, kid);
    const key = fromBase64Url(text.replace(/=+$/, ''));
    if (key === undefined) refuse('not-base64url', `the value of "${kid}" is not base64url`, kid);
    check(key, kid);
    keys.set(kid, key);
  }
  return keys;
}

/** @returns keys in the order of their ids. @throws CellError `json.invalid` | `document.invalid` with the fact `reason`, in the reference's order of checks */
export function parseVerifyKeys(input: Bytes | string): Map<string, Bytes> {
  return parseKeys(input, (key, kid) => {
    if (key.byteLength !== 32) refuse('bad-length', `the key "${kid}" has ${key.byteLength} bytes, not 32`, kid);
    if (!isPointOnCurve(key)) refuse('not-a-point', `the key "${kid}" is no point of the curve`, kid);
  });
}

/** @returns keys in the order of their ids. @throws CellError `json.invalid` | `document.invalid` with the fact `reason` */
export function parseHmacKeys(input: Bytes | string): Map<string, Bytes> {
  return parseKeys(input, (key, kid) => {
    if (key.byteLength === 0) refuse('empty', `the key "${kid}" has no bytes`, kid);
  });
}

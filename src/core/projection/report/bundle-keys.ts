/**
 * What the keyset and the attestation of a bundle say of keys, for people. Read leniently: the audit is what judges them.
 *
 *   BK1  never throws for what stands in a file: what cannot be read is absent.
 */
import { type Bytes, fromBase64Url, tryDecodeUtf8 } from '../../../base/bytes.ts';
import { ignore } from '../../../base/errors.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../../base/json.ts';
import { parseJson } from '../../../base/json-parse.ts';
import { numberOf, objectOf, objectsOf, textOf } from './read-data.ts';

export interface BundleKey {
  readonly kid: string;
  /** `root`, `event`, `checkpoint`, `bundle`. */
  readonly purpose: string;
  readonly algorithm: string;
  /** Part of its life, in the keyset of the run. */
  readonly state: string;
}

export interface BundleKeys {
  /** How many keysets the bundle carries. */
  readonly keysets: number;
  /** Of the keyset of the run. */
  readonly epoch?: number;
  readonly threshold?: number;
  readonly producedAt?: string;
  /** Root keys that signed it. */
  readonly signedBy: readonly string[];
  readonly keys: readonly BundleKey[];
}

const NONE: BundleKeys = { keysets: 0, signedBy: [], keys: [] };

function parsed(bytes: Bytes | undefined): JsonValue | undefined {
  if (bytes === undefined || tryDecodeUtf8(bytes) === undefined) return undefined;
  try {
    return parseJson(bytes);
  } catch (error) {
    ignore(error, 'the audit says what is wrong with the file');
    return undefined;
  }
}

function keyOf(data: JsonObject): BundleKey {
  return { kid: textOf(data['kid']) ?? '?', purpose: textOf(data['purpose']) ?? '?', algorithm: textOf(data['algorithm']) ?? '?', state: textOf(data['state']) ?? '?' };
}

/** @param file `keyset.json` [BK1] */
export function bundleKeysOf(file: Bytes | undefined): BundleKeys {
  const chain = parsed(file);
  if (!isJsonArray(chain)) return NONE;
  const last = objectOf(chain.at(-1));
  const payload = objectOf(parsed(fromBase64Url(textOf(last['payload']) ?? '')));
  const epoch = numberOf(payload['epoch']);
  const threshold = numberOf(payload['threshold']);
  const producedAt = textOf(payload['producedAt']);
  return {
    keysets: chain.length,
    ...(epoch === undefined ? {} : { epoch }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(producedAt === undefined ? {} : { producedAt }),
    signedBy: objectsOf(last['signatures']).map((signature) => textOf(signature['signerKid']) ?? '?'),
    keys: objectsOf(payload['keys']).map(keyOf),
  };
}

/** The key that the attestation names as its signer. @param file `attestation.dsse.json` [BK1] */
export function attestationKeyOf(file: Bytes | undefined): string | undefined {
  const envelope = parsed(file);
  return isJsonObject(envelope) ? textOf(objectsOf(envelope['signatures'])[0]?.['keyid']) : undefined;
}

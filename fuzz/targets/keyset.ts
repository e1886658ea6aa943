/** Any bytes as a trust document: keysets of ours, requests for them and trust files, a signed envelope of the reference, a file of verification keys. */
import { equalBytes, fromBase64Url } from '../../src/base/bytes.ts';
import { assert, isCellError } from '../../src/base/errors.ts';
import { isJsonObject } from '../../src/base/json.ts';
import { parseJson } from '../../src/base/json-parse.ts';
import { compareHistories, verifyKeysetFile } from '../../src/core/signing/keyset-chain.ts';
import { parseKeysetEnvelopeText, verifyKeysetChain, verifyRevocations } from '../../src/core/signing/keyset-envelope.ts';
import { checkKeysetRequest, keysetRequestFile, parseKeysetRequest, rootsOfRequest } from '../../src/core/signing/keyset-request.ts';
import { mergePins, parseTrustDocument, trustDocument } from '../../src/core/signing/trust-document.ts';
import { parseVerifyKeys } from '../../src/core/signing/verify-keys.ts';
import { rootMap, sampleEnvelopes, sampleFile, sampleHistory, sampleKey } from '../../src/testing/sample-keys.ts';

const until = { kind: 'run', run: '01kjk0000000000000000000zz', seq: 1 } as const;
const [first, second] = [sampleKey('event', 1), sampleKey('event', 2)];
const lists = [[first, sampleKey('bundle', 3)], [first, { ...second, state: 'next' as const }, sampleKey('bundle', 3)], [{ ...first, state: 'compromised' as const, until }, second, sampleKey('bundle', 3)]];
const pin = { roots: rootMap(), threshold: 1 };
const known = sampleHistory(lists);
const files = lists.map((_, at) => sampleFile(lists.slice(0, at + 1)));
const trust = trustDocument([{ ...pin, known, chain: sampleEnvelopes(lists).map((envelope) => parseJson(envelope)) }]);
const [, , newest] = sampleEnvelopes(lists).map((envelope) => parseJson(envelope));
const asked = fromBase64Url(isJsonObject(newest) && typeof newest['payload'] === 'string' ? newest['payload'] : '') ?? new Uint8Array();
const request = keysetRequestFile({ chain: sampleEnvelopes(lists.slice(0, 2)).map((envelope) => parseJson(envelope)), payload: asked, signatures: [] });
const decoder = new TextDecoder();

/** Good ones to begin mutating from. */
export const seeds: readonly string[] = [...files, sampleEnvelopes(lists)[0] ?? new Uint8Array(), trust, request].map((bytes) => decoder.decode(bytes)).concat('{"k":"A2Dt8aB8KSXfA_eN9I5UX20S9k52oJV7040ICS4aBP4"}');

function refusedOrNot(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!isCellError(error) || error.code === 'internal.bug') throw error;
  }
}

/** What verifies is one of the files that were signed, byte for byte. */
function ours(bytes: Uint8Array): void {
  const { history } = verifyKeysetFile(bytes, [pin]);
  assert(files.some((file) => equalBytes(file, bytes)), 'no other chain verifies than one that was signed');
  assert(compareHistories(known, history) !== 'forked' && compareHistories(known, history) !== 'newer', 'nothing is newer than what was signed');
}

function trusted(bytes: Uint8Array): void {
  const pins = parseTrustDocument(bytes);
  for (const { known: seen } of mergePins([], pins).pins) if (seen !== undefined) assert(seen.head.signers.length > 0, 'a chain in a trust file is signed by its roots');
}

/** What a holder of root keys is shown follows a chain that those roots have signed. */
function signable(bytes: Uint8Array): void {
  const given = parseKeysetRequest(bytes);
  const { before, content } = checkKeysetRequest(given, rootsOfRequest(given));
  assert(content.epoch === before.head.epoch + 1 && content.previous === before.head.digest, 'nothing is shown that does not follow');
}

/** As a program reads a keyset. */
export const once = (bytes: Uint8Array): unknown => verifyKeysetFile(bytes, [pin]);

export default function fuzzKeyset(bytes: Uint8Array): void {
  refusedOrNot(() => ours(bytes));
  refusedOrNot(() => trusted(bytes));
  refusedOrNot(() => signable(bytes));
  refusedOrNot(() => parseVerifyKeys(bytes));
  const envelope = parseKeysetEnvelopeText(bytes);
  refusedOrNot(() => verifyKeysetChain([envelope, envelope], { keys: pin.roots, nowNs: 0n }));
  verifyRevocations(envelope, { keys: pin.roots, nowNs: 0n });
}

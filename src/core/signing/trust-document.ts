/**
 * What an auditor is given, and what is kept of it: root keys, how many of them have to sign, and the newest chain of keysets.
 *
 *   B1  two forms: `{"v":1,"pins":[{"threshold","roots","chain"?},…]}`, and an object of kid and base64url Ed25519 key (reference/02 §6.1), which
 *       pins roots alone;
 *   B2  a chain in it verifies under its own roots, or the document is none;
 *   B3  what is remembered goes forward: an older chain is refused, and so is another one of the same roots;
 *   B4  the number of root keys is bounded, over all pins: to look whether one is a point of the curve costs half a millisecond.
 */
import { type Bytes, equalBytes, fromBase64Url, toBase64Url, utf8 } from '../../base/bytes.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { isAdmissiblePoint, isSmallOrderPoint } from '../../base/ed25519-point.ts';
import { CellError } from '../../base/errors.ts';
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';
import { advanceHistory, type TrustPin, verifyHistory } from './keyset-chain.ts';

const VERSION = 1;

function malformed(what: string): never {
  throw new CellError('document.invalid', `Cannot read the trust file: ${what}`);
}

function rootOf(kid: string, text: JsonValue | undefined): Bytes {
  const key = typeof text === 'string' ? fromBase64Url(text.replace(/=+$/, '')) : undefined;
  if (key === undefined || key.byteLength !== 32) throw new CellError('document.invalid', `Cannot read the trust file: the value of "${kid}" is not a base64url Ed25519 public key`, { facts: { kid } });
  if (!isAdmissiblePoint(key)) throw new CellError('crypto.key', `Cannot read the trust file: the key "${kid}" ${isSmallOrderPoint(key) ? 'has small order' : 'is not the canonical form of a point of the curve'}`, { facts: { kid } });
  return key;
}

/** [B4] Counted before any is looked at. */
function boundRoots(count: number): void {
  if (count > LIMITS.verifyKeysMax) malformed(`it has ${count} root keys, more than ${LIMITS.verifyKeysMax}`);
}

function rootsOf(value: JsonObject): Map<string, Bytes> {
  return new Map(Object.entries(value).map(([kid, text]) => [kid, rootOf(kid, text)]));
}

function pinOf(value: JsonValue): TrustPin {
  if (!isJsonObject(value)) malformed('a pin is not an object');
  const { threshold, roots, chain } = value;
  for (const key of Object.keys(value)) if (!['threshold', 'roots', 'chain'].includes(key)) malformed(`a pin has the unknown member ${key}`);
  if (!isJsonObject(roots)) malformed('a pin has no roots');
  const keys = rootsOf(roots);
  if (typeof threshold !== 'number' || !Number.isSafeInteger(threshold) || threshold < 1 || threshold > keys.size) malformed('the threshold of a pin is not a number from 1 to that of its roots');
  if (chain === undefined) return { roots: keys, threshold };
  return { roots: keys, threshold, known: verifyHistory(chain, { roots: keys, threshold }), chain: isJsonArray(chain) ? chain : [] }; // B2
}

/** [B1] @throws CellError `document.invalid` | `json.invalid` | `crypto.key` | `signature.invalid` for a chain that does not verify */
export function parseTrustDocument(bytes: Bytes): TrustPin[] {
  const value = parseJson(bytes);
  if (!isJsonObject(value)) malformed('it is not an object');
  const { v, pins } = value;
  if (typeof v !== 'number') {
    boundRoots(Object.keys(value).length);
    const roots = rootsOf(value);
    return roots.size === 0 ? [] : [{ roots, threshold: 1 }];
  }
  if (v !== VERSION) malformed(`it is of version ${v}, and this program knows ${VERSION}`);
  if (Object.keys(value).length !== 2 || !isJsonArray(pins)) malformed('it does not have the members v and pins');
  boundRoots(pins.reduce<number>((sum, pin) => sum + (isJsonObject(pin) && isJsonObject(pin['roots']) ? Object.keys(pin['roots']).length : 0), 0));
  return pins.map(pinOf);
}

export function trustDocument(pins: readonly TrustPin[]): Bytes {
  const items = pins.map(({ roots, threshold, chain }) => jsonObject({ threshold, roots: rootsJson(roots), chain }));
  return utf8(`${canonicalText(jsonObject({ v: VERSION, pins: items }))}\n`);
}

function rootsJson(keys: ReadonlyMap<string, Bytes>): JsonObject {
  return jsonObject(Object.fromEntries([...keys].map(([kid, key]) => [kid, toBase64Url(key)])));
}

/** The form of a verify-keys file (reference/02 §6.1). */
export function verifyKeysFile(keys: ReadonlyMap<string, Bytes>): Bytes {
  return utf8(`${canonicalText(rootsJson(keys))}\n`);
}

const sameRoots = (a: TrustPin, b: TrustPin): boolean => a.roots.size === b.roots.size && [...a.roots.keys()].every((kid) => b.roots.has(kid));

function without(pin: TrustPin, kids: ReadonlySet<string>): TrustPin[] {
  const roots = new Map([...pin.roots].filter(([kid]) => !kids.has(kid)));
  return roots.size === 0 ? [] : [{ roots, threshold: Math.min(pin.threshold, roots.size) }];
}

function checkNames(known: readonly TrustPin[], added: TrustPin): void {
  for (const pin of known) {
    for (const [kid, key] of added.roots) {
      const other = pin.roots.get(kid);
      if (other !== undefined && !equalBytes(other, key)) throw new CellError('document.invalid', `Cannot trust "${kid}": another key of that name is trusted already; cellos keys untrust ${kid} takes it away`, { facts: { kid } });
    }
  }
}

/** One pin more, or one that says more. [B3] */
function withPin(known: readonly TrustPin[], added: TrustPin): TrustPin[] {
  checkNames(known, added);
  const names = new Set(known.flatMap((pin) => [...pin.roots.keys()]));
  if (added.known === undefined) {
    const fresh = without(added, names);
    return [...known, ...fresh];
  }
  const sharing = known.filter((pin) => [...pin.roots.keys()].some((kid) => added.roots.has(kid)));
  const chained = sharing.filter((pin) => pin.known !== undefined);
  if (chained.some((pin) => !sameRoots(pin, added))) throw new CellError('document.invalid', 'Cannot trust these root keys: some of them are trusted already, together with others');
  const [before] = chained;
  const newest = advanceHistory(before?.known, added.known);
  const pin: TrustPin = { roots: added.roots, threshold: Math.max(added.threshold, before?.threshold ?? 1), known: newest, ...(added.chain === undefined ? {} : { chain: added.chain }) };
  const kids = new Set(added.roots.keys());
  return [...known.flatMap((one) => (!sharing.includes(one) ? [one] : one.known === undefined ? without(one, kids) : [])), pin];
}

/** @returns all pins, and the key ids that were not trusted before. @throws CellError `document.invalid`; `signature.invalid` with the reason `rollback` or `fork` [B3] */
export function mergePins(known: readonly TrustPin[], added: readonly TrustPin[]): { pins: readonly TrustPin[]; fresh: readonly string[] } {
  const names = new Set(known.flatMap((pin) => [...pin.roots.keys()]));
  const pins = added.reduce<readonly TrustPin[]>(withPin, known);
  return { pins, fresh: [...new Set(added.flatMap((pin) => [...pin.roots.keys()]))].filter((kid) => !names.has(kid)) };
}

/** Without the root of this id. Roots that were given together with a chain are trusted together, or not at all. */
export function withoutRoot(pins: readonly TrustPin[], kid: string): readonly TrustPin[] {
  return pins.flatMap((pin) => (!pin.roots.has(kid) ? [pin] : pin.known === undefined ? without(pin, new Set([kid])) : []));
}

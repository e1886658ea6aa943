/** Trust files (section 5): which roots a verifier pins, how many of them have to sign, and what it knows of their keysets. */
import { decode, isGoodPoint } from './crypto.ts';
import { type Json, exactMembers, integerAt, isList, isMap, readJson, refuse, textAt } from './json.ts';
import { type Chain, chainOf, type Keyset } from './keysets.ts';

export interface Pin {
  readonly roots: ReadonlyMap<string, Buffer>;
  readonly threshold: number;
  /** Newest chain known of these roots. */
  readonly chain?: Chain;
  /** An epoch that was seen, when it is later than that of the chain. */
  readonly epochSeen?: number;
}

function isPinned(bytes: Buffer, pin: Pin): boolean {
  return [...pin.roots.values()].some((root) => root.equals(bytes));
}

/** The pin that judges a keyset: of those with a root of it the one that asks for most, then the one that knows most, then the first. */
export function pinFor(set: Keyset, pins: readonly Pin[]): Pin | undefined {
  const candidates = pins.filter((pin) => set.keys.some((key) => key.purpose === 'root' && isPinned(key.bytes, pin)));
  return candidates.sort((a, b) => b.threshold - a.threshold || (b.chain?.sets.length ?? 0) - (a.chain?.sets.length ?? 0))[0];
}

/** Check 3, of one keyset. */
export function isSignedEnough(set: Keyset, pin: Pin): boolean {
  const signed = set.signers.filter((signer) => isPinned(signer, pin)).length;
  return signed >= pin.threshold && BigInt(signed) >= set.threshold;
}

/** A root of the pin that stands there for something else. */
export function isRootElsewhere(set: Keyset, pin: Pin): boolean {
  return set.keys.some((key) => key.purpose !== 'root' && isPinned(key.bytes, pin));
}

function rootsOf(value: Json | undefined, spelling: (text: string) => string = (text) => text): Map<string, Buffer> {
  if (!isMap(value)) return refuse('no roots');
  return new Map([...value.keys()].map((kid) => {
    const bytes = decode(spelling(textAt(value, kid)), 'base64url');
    return [kid, isGoodPoint(bytes) ? bytes : refuse('a root is no key')];
  }));
}

/** @throws Refusal when it is none */
export function readTrust(bytes: Uint8Array): Pin[] {
  const value = readJson(bytes);
  // The map of the reference: padding may stand there.
  if (isMap(value) && !isList(value.get('pins'))) return [{ roots: rootsOf(value, (text) => text.replace(/=$/, '')), threshold: 1 }];
  const map = exactMembers(value, ['pins', 'v']);
  const pins = map.get('pins');
  if (integerAt(map, 'v') !== 1n || !isList(pins)) return refuse('no trust file of version 1');
  return pins.map((item) => {
    const pin = exactMembers(item, ['roots', 'threshold'], ['chain']);
    const own: Pin = { roots: rootsOf(pin.get('roots')), threshold: Number(integerAt(pin, 'threshold')) };
    if (own.threshold < 1 || own.threshold > own.roots.size) refuse('a threshold these roots cannot reach');
    const chain = pin.get('chain');
    const check = (set: Keyset): void => void (isSignedEnough(set, own) && !isRootElsewhere(set, own) ? 0 : refuse('the chain is not of these roots'));
    return chain === undefined ? own : { ...own, chain: chainOf(chain, check) };
  });
}

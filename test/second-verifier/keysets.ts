/** Keysets of the evidence format (section 5): their form, their signatures, their chain, and which keys count where. */
import { decode, digest, fitsEd25519, isDigest, isGoodPoint, isP256Key } from './crypto.ts';
import { canonical, exactMembers, integerAt, isList, isMap, type Json, type JsonMap, readExact, refuse, textAt } from './json.ts';
import { isRunId, secondsOf, secondsOfRun } from './times.ts';

const PAYLOAD_TYPE = 'application/vnd.cellos.trust-keyset-v1+json';
const PURPOSES: Readonly<Record<string, string>> = { root: 'ed25519', event: 'ed25519', checkpoint: 'ed25519', bundle: 'ecdsa-p256-sha256' };
const STATES = ['next', 'accepted', 'active', 'retiring', 'retired', 'compromised'];
const KEYS_MAX = 256;

export type Until = { readonly run: string; readonly seq: bigint } | { readonly time: number };

export interface Key {
  readonly kid: string;
  readonly purpose: string;
  readonly state: string;
  readonly bytes: Buffer;
  readonly until?: Until;
}

export interface Keyset {
  readonly digest: string;
  readonly epoch: bigint;
  readonly previous?: string;
  readonly producedAt: number;
  readonly notAfter?: number;
  readonly keysetId: string;
  readonly threshold: bigint;
  readonly keys: readonly Key[];
  /** Root keys whose signatures fit. */
  readonly signers: readonly Buffer[];
}

/** All keysets so far, and every key that ever stood in one, as it stands now. */
export interface Chain {
  readonly sets: readonly Keyset[];
  readonly keys: ReadonlyMap<string, Key>;
}

export function lastOf(chain: Chain): Keyset {
  return chain.sets.at(-1) ?? refuse('no keyset');
}

function timeAt(map: JsonMap, key: string): number {
  return secondsOf(textAt(map, key)) ?? refuse(`${key} is no time in UTC`);
}

function untilOf(value: Json): Until {
  if (isMap(value) && value.has('time')) return { time: timeAt(exactMembers(value, ['time']), 'time') };
  const bound = exactMembers(value, ['run', 'seq']);
  const [run, seq] = [textAt(bound, 'run'), integerAt(bound, 'seq')];
  return isRunId(run) && seq >= 0n ? { run, seq } : refuse('until names no position');
}

function keyOf(value: Json): Key {
  const map = exactMembers(value, ['algorithm', 'kid', 'publicKey', 'purpose', 'state'], ['until']);
  const [kid, purpose, state] = [textAt(map, 'kid'), textAt(map, 'purpose'), textAt(map, 'state')];
  if (!Object.hasOwn(PURPOSES, purpose) || PURPOSES[purpose] !== textAt(map, 'algorithm')) refuse('no such purpose and algorithm');
  const bytes = decode(textAt(map, 'publicKey'), 'base64url');
  if (!(purpose === 'bundle' ? isP256Key(bytes) : isGoodPoint(bytes))) refuse('a key is none');
  if (!STATES.includes(state) || (purpose === 'root' && state !== 'active')) refuse('no such state');
  const until = map.get('until');
  if ((until !== undefined) !== (state === 'retired' || state === 'compromised')) refuse('until is there for keys that are over');
  return { kid, purpose, state, bytes, ...(until === undefined ? {} : { until: untilOf(until) }) };
}

function keysOf(value: Json | undefined): Key[] {
  if (!isList(value) || value.length > KEYS_MAX) return refuse('keys are no list, or too many');
  const keys = value.map(keyOf);
  if (new Set(keys.map((key) => key.kid)).size < keys.length || new Set(keys.map((key) => key.bytes.toString('hex'))).size < keys.length) refuse('a key stands twice');
  for (const purpose of ['event', 'checkpoint', 'bundle']) if (keys.filter((key) => key.purpose === purpose && key.state === 'active').length > 1) refuse('two keys are active');
  return keys;
}

/** One keyset with its signatures. @throws Refusal */
function keysetOf(value: Json): Keyset {
  const outer = exactMembers(value, ['payload', 'payloadDigest', 'payloadType', 'producedAt', 'requiredSignerCount', 'schemaVersion', 'signatures'], ['replacesEnvelopeDigest']);
  const payload = decode(textAt(outer, 'payload'), 'base64url');
  const inner = exactMembers(readExact(payload, canonical), ['epoch', 'keys', 'keysetId', 'payloadType', 'producedAt', 'schemaVersion', 'threshold'], ['notAfter', 'previous']);
  if (textAt(outer, 'payloadDigest') !== digest(payload)) refuse('the digest of the payload is another');
  if (textAt(outer, 'payloadType') !== PAYLOAD_TYPE || textAt(inner, 'payloadType') !== PAYLOAD_TYPE) refuse('the payload is of another type');
  if (textAt(outer, 'schemaVersion') !== '1.0.0' || textAt(inner, 'schemaVersion') !== '2.0.0') refuse('another version');
  for (const [copy, original] of [['producedAt', 'producedAt'], ['replacesEnvelopeDigest', 'previous'], ['requiredSignerCount', 'threshold']] as const) if (outer.get(copy) !== inner.get(original)) refuse(`${copy} is no copy`);
  const keys = keysOf(inner.get('keys'));
  const previous = inner.has('previous') ? textAt(inner, 'previous') : undefined;
  if (previous !== undefined && !isDigest(previous)) refuse('previous is no digest');
  const epoch = integerAt(inner, 'epoch');
  if (epoch < 1n || (epoch === 1n) !== (previous === undefined)) refuse('the first follows none, every other one does');
  const threshold = integerAt(inner, 'threshold');
  if (threshold < 1n || threshold > BigInt(keys.filter((key) => key.purpose === 'root').length)) refuse('a threshold that no roots can reach');
  return {
    digest: digest(payload),
    epoch,
    ...(previous === undefined ? {} : { previous }),
    producedAt: timeAt(inner, 'producedAt'),
    ...(inner.has('notAfter') ? { notAfter: timeAt(inner, 'notAfter') } : {}),
    keysetId: textAt(inner, 'keysetId'),
    threshold,
    keys,
    signers: signersOf(outer.get('signatures'), payload, keys),
  };
}

function signersOf(value: Json | undefined, payload: Buffer, keys: readonly Key[]): Buffer[] {
  if (!isList(value) || value.length === 0) return refuse('no signatures');
  let before: Buffer | undefined;
  return value.map((item) => {
    const map = exactMembers(item, ['algorithm', 'signature', 'signerKid']);
    const kid = Buffer.from(textAt(map, 'signerKid'));
    if (before !== undefined && Buffer.compare(before, kid) >= 0) refuse('signatures are out of order');
    before = kid;
    const key = keys.find((one) => one.purpose === 'root' && one.kid === kid.toString()) ?? refuse('signed by no root of it');
    if (textAt(map, 'algorithm') !== 'ed25519') refuse('another algorithm');
    if (!fitsEd25519(key.bytes, payload, decode(textAt(map, 'signature'), 'base64url'))) refuse('a signature does not fit');
    return key.bytes;
  });
}

const FOLLOWS: Readonly<Record<string, readonly string[]>> = {
  next: ['accepted', 'active', 'retired', 'compromised'],
  accepted: ['active', 'retired', 'compromised'],
  active: ['retiring', 'retired', 'compromised'],
  retiring: ['retired', 'compromised'],
  retired: ['compromised'],
  compromised: [],
};

function isOver(key: Key): boolean {
  return key.state === 'retired' || key.state === 'compromised';
}

function movesBack(before: Until, after: Until): boolean {
  if ('time' in before) return 'time' in after && after.time <= before.time;
  return 'run' in after && (after.run < before.run || (after.run === before.run && after.seq <= before.seq));
}

function checkSuccessor(before: Key, after: Key): void {
  if (before.purpose !== after.purpose || !before.bytes.equals(after.bytes)) refuse('a kid names another key');
  if (before.state !== after.state && !FOLLOWS[before.state]?.includes(after.state)) refuse('a state goes back');
  if (before.state === after.state && before.until !== undefined && (after.until === undefined || !movesBack(before.until, after.until))) refuse('until moves on');
}

function rootsOf(set: Keyset): string {
  return set.keys.filter((key) => key.purpose === 'root').map((key) => `${key.kid} ${key.bytes.toString('hex')}`).sort().join('\n');
}

function advance(chain: Chain, set: Keyset): Chain {
  const before = chain.sets.at(-1);
  if (set.epoch !== BigInt(chain.sets.length + 1)) refuse('epochs do not count');
  if (set.previous !== before?.digest) refuse('it does not follow the one before');
  if (before !== undefined && (set.producedAt < before.producedAt || set.keysetId !== before.keysetId || set.threshold !== before.threshold || rootsOf(set) !== rootsOf(before))) refuse('it is none of this chain');
  const keys = new Map(chain.keys);
  const kidOfBytes = new Map([...chain.keys.values()].map((key) => [key.bytes.toString('hex'), key.kid]));
  for (const key of set.keys) {
    const known = chain.keys.get(key.kid);
    if (known !== undefined) checkSuccessor(known, key);
    else if (kidOfBytes.has(key.bytes.toString('hex'))) refuse('a key under a second name');
    else if (key.state !== 'next' && key.state !== 'active') refuse('a key begins in the middle of its life');
    keys.set(key.kid, key);
  }
  for (const key of chain.keys.values()) if (!isOver(key) && !set.keys.some((one) => one.kid === key.kid)) refuse('a key is gone');
  return { sets: [...chain.sets, set], keys };
}

const KEYSETS_MAX = 4096;

/** Checks 2 and 3, keyset by keyset: its form, its signatures, what the verifier pins, and that it follows the one before. @param trust called between the signatures and the order. @throws Refusal, and what `trust` throws */
export function chainOf(value: Json, trust: (set: Keyset) => void): Chain {
  if (!isList(value) || value.length === 0 || value.length > KEYSETS_MAX) return refuse('not a list of keysets');
  let chain: Chain = { sets: [], keys: new Map() };
  for (const item of value) {
    const set = keysetOf(item);
    trust(set);
    chain = advance(chain, set);
  }
  return chain;
}

/** @param file `keyset.json` */
export function chainOfFile(file: Uint8Array, trust: (set: Keyset) => void): Chain {
  return chainOf(readExact(file, canonical), trust);
}

/** Check 4 and the rule about longer chains. */
export function isBeginning(shorter: Chain, longer: Chain): boolean {
  return shorter.sets.length <= longer.sets.length && shorter.sets.every((set, i) => set.digest === longer.sets[i]?.digest);
}

export interface Position {
  readonly run: string;
  readonly seq: number;
  /** `time` of the event, when there is one. */
  readonly time?: string | undefined;
}

/** Whether what a key signed at a position counts. @param key as the keyset of the run has it. @param newest every key as the newest keyset known has it */
export function counts(key: Key, newest: ReadonlyMap<string, Key>, position: Position): boolean {
  if (!['accepted', 'active', 'retiring'].includes(key.state)) return false;
  const until = newest.get(key.kid)?.until;
  if (until === undefined) return true;
  if (!isRunId(position.run)) return false;
  if ('run' in until) return position.run < until.run || (position.run === until.run && BigInt(position.seq) < until.seq);
  const time = position.time === undefined ? undefined : secondsOf(position.time);
  return time !== undefined && time < until.time && secondsOfRun(position.run) < until.time;
}

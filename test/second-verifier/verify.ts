/**
 * The second verifier: a bundle, what is pinned, and options in; one verdict of the closed list out, by the order of section 7.
 *
 * Written from docs/evidence-format.md alone, without the first. Where the two disagree, one of them or the document is wrong.
 */
import { checkAttested, readAttestation } from './attestation.ts';
import { digest } from './crypto.ts';
import { checkLog } from './log.ts';
import { Refusal } from './json.ts';
import { type Chain, chainOfFile, counts, isBeginning, type Key, lastOf } from './keysets.ts';
import { LINE_BYTES_MAX, Records } from './records.ts';
import { secondsOf } from './times.ts';
import { isRootElsewhere, isSignedEnough, type Pin, pinFor } from './trust.ts';

export type Verdict = 'complete' | 'complete-with-declared-gaps' | 'incomplete-tail' | 'tampered' | 'untrusted-key' | 'stale-trust' | 'unsupported';

export interface Options {
  /** `--at`, RFC 3339 in UTC. */
  readonly at?: string;
  /** `--min-epoch`. */
  readonly minEpoch?: number;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly firstBad?: { readonly seq: number; readonly line: number };
}

/** Path → bytes; a path that ends with a slash is an empty folder. */
export type Files = ReadonlyMap<string, Uint8Array>;

const RECORDS = 'records.jsonl';
const KEYSET = 'keyset.json';
const ATTESTATION = 'attestation.dsse.json';
const FILES_MAX = 8192;
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;

class Verdicted extends Error {
  readonly judgement: Judgement;

  constructor(verdict: Verdict, firstBad?: number) {
    super(verdict);
    this.judgement = { verdict, ...(firstBad === undefined ? {} : { firstBad: { seq: firstBad, line: firstBad + 1 } }) };
  }
}

function otherwise<T>(verdict: Verdict, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof Refusal) throw new Verdicted(verdict);
    throw error;
  }
}

interface Trusted {
  /** Of `keyset.json`. */
  readonly digest: string;
  readonly chain: Chain;
  /** Of the bundle and of what is known, the longer one. */
  readonly newest: Chain;
  readonly pin: Pin;
}

/** Checks 2 to 4. */
function trustedChain(file: Uint8Array, pins: readonly Pin[]): Trusted {
  if (file.byteLength > DOCUMENT_BYTES_MAX) throw new Verdicted('tampered');
  let pin: Pin | undefined;
  const chain = otherwise('tampered', () => chainOfFile(file, (set) => {
    pin ??= pinFor(set, pins);
    if (pin === undefined || !isSignedEnough(set, pin)) throw new Verdicted('untrusted-key');
    if (isRootElsewhere(set, pin)) throw new Verdicted('tampered');
  }));
  if (pin === undefined) throw new Verdicted('untrusted-key');
  const known = pin.chain;
  const trusted = { digest: digest(file), chain, pin };
  if (known === undefined || isBeginning(known, chain)) return { ...trusted, newest: chain };
  if (isBeginning(chain, known)) return { ...trusted, newest: known };
  throw new Verdicted('untrusted-key');
}

/** Those left out in the keyset of the run among them, as they last were: they are named, and do not count. */
function keysFor(chain: Chain, purpose: string): ReadonlyMap<string, Key> {
  return new Map([...chain.keys].filter(([, key]) => key.purpose === purpose));
}

/** Checks 5 to 7. @returns the records, and whether they have their end */
function readRecords(bytes: Uint8Array, trusted: Trusted, attested: boolean): Records {
  const records = new Records({ events: keysFor(trusted.chain, 'event'), newest: trusted.newest.keys });
  let at = 0;
  for (let end = bytes.indexOf(10); end >= 0; at = end + 1, end = bytes.indexOf(10, at)) {
    if (!records.push(bytes.subarray(at, end))) throw new Verdicted(records.bad ?? 'tampered', records.count);
  }
  if (records.count > 0 && records.keysetDigest !== trusted.digest) throw new Verdicted('tampered');
  const torn = at < bytes.byteLength;
  if (bytes.byteLength - at > LINE_BYTES_MAX) throw new Verdicted('tampered', records.count);
  if (torn && records.seal !== undefined) throw new Verdicted('tampered', records.count);
  return attested && records.seal === undefined ? cut(records) : records;
}

function cut(records: Records): never {
  throw new Verdicted('tampered', records.count);
}

/** Check 9. */
function checkAttestation(files: Files, trusted: Trusted, records: Records): void {
  const attestation = otherwise('tampered', () => readAttestation(files.get(ATTESTATION) ?? new Uint8Array(), keysFor(trusted.chain, 'bundle')));
  const seal = records.seal ?? cut(records);
  const said = { runId: records.stream, count: records.count, head: records.head, gaps: seal.gaps, outcome: seal.outcome };
  otherwise('tampered', () => checkAttested(attestation, files, { records: said, withheld: records.withheld.length > 0 }));
  const signers = otherwise('tampered', () => checkLog(files, records, [...keysFor(trusted.chain, 'checkpoint').values()]));
  const position = { run: records.stream, seq: records.count, time: records.lastTime };
  const isCounted = (key: Key): boolean => counts(key, trusted.newest.keys, position);
  if (!isCounted(attestation.key) || (signers.length > 0 && !signers.some(isCounted))) throw new Verdicted('untrusted-key');
}

function isStale(trusted: Trusted, records: Records | undefined, options: Options): boolean {
  const newest = lastOf(trusted.newest);
  const { notAfter } = lastOf(trusted.chain);
  if (trusted.pin.epochSeen !== undefined && BigInt(trusted.pin.epochSeen) > newest.epoch) return true;
  if (options.minEpoch !== undefined && newest.epoch < BigInt(options.minEpoch)) return true;
  if (notAfter !== undefined && records !== undefined) {
    const last = records.lastTime === undefined ? undefined : secondsOf(records.lastTime);
    if (last === undefined || last > notAfter) return true;
  }
  return newest.notAfter !== undefined && options.at !== undefined && (secondsOf(options.at) ?? 0) > newest.notAfter;
}

function judge(files: Files, pins: readonly Pin[], options: Options): Judgement {
  const records = files.get(RECORDS);
  const keyset = files.get(KEYSET);
  const attested = files.has(ATTESTATION);
  if (records === undefined || keyset === undefined) return { verdict: attested || (records ?? '').length > 0 ? 'tampered' : 'incomplete-tail' };
  const trusted = trustedChain(keyset, pins);
  const read = readRecords(records, trusted, attested);
  const fresh = (judgement: Judgement): Judgement => (isStale(trusted, read, options) ? { ...judgement, verdict: 'stale-trust' } : judgement);
  if (read.seal === undefined || !attested) return fresh({ verdict: 'incomplete-tail' });
  checkAttestation(files, trusted, read);
  return fresh({ verdict: read.withheld.length > 0 || read.seal.gaps > 0n ? 'complete-with-declared-gaps' : 'complete' });
}

/** Never throws for what a bundle holds. @param files undefined: something in it is no regular file */
export function verifyBundle(files: Files | undefined, pins: readonly Pin[], options: Options = {}): Judgement {
  if (files === undefined || files.size > FILES_MAX) return { verdict: 'tampered' };
  try {
    return judge(files, pins, options);
  } catch (error) {
    if (error instanceof Verdicted) return error.judgement;
    throw error;
  }
}

/**
 * The records of a run (sections 3 and 4): form, place, digest, signature, key, content, in this order. Reads until the first bad one and looks
 * at nothing after it.
 */
import { decode, digest, fitsEd25519, isDigest, sha256 } from './crypto.ts';
import { canonical, exactMembers, integerAt, isMap, isWhole, type Json, type JsonMap, readJson, Refusal, refuse, textAt } from './json.ts';
import { counts, type Key } from './keysets.ts';
import { type Log, logOf } from './log.ts';
import { redecide } from './policy.ts';

const PREFIX = 'dev.cellos.events.cell.';
const TIERS = ['kernel', 'proxy', 'host', 'guest'];
const EVENT = ['specversion', 'id', 'source', 'type', 'datacontenttype', 'data', 'time', 'traceparent'];
export const EXTENSIONS = ['cexauthorityclass', 'cextrustceiling', 'cexsessionid', 'cexparenttrace', 'cexreceipthash', 'cexdoctrinecite', 'cexrevocation'];
const AFTER_REFUSAL = ['plan.v1.effective', 'isolation.v1.observed', 'lifecycle.v1.started', 'observability.v1.process_spawned'];
export const LINE_BYTES_MAX = 4 * 1024 * 1024;

export type Bad = 'tampered' | 'untrusted-key' | 'unsupported';

export interface Seal {
  readonly outcome: string;
  readonly gaps: bigint;
}

export interface KeysOfRun {
  /** Event keys of the keyset of the run. */
  readonly events: ReadonlyMap<string, Key>;
  /** Every key as the newest keyset known has it. */
  readonly newest: ReadonlyMap<string, Key>;
}

interface Envelope {
  readonly event: JsonMap;
  readonly kid: string;
  readonly signature: Buffer;
  readonly bytes: Buffer;
}

/** What verdict a record gets; thrown out of the middle of its checks. */
class Judged extends Error {
  readonly verdict: Bad;

  constructor(verdict: Bad) {
    super(verdict);
    this.verdict = verdict;
  }
}

/** @throws Refusal */
export function checkEvent(event: JsonMap): void {
  exactMembers(event, EVENT, EXTENSIONS);
  for (const key of ['specversion', 'id', 'source', 'type']) textAt(event, key);
  for (const key of ['datacontenttype', 'time', 'traceparent']) if (event.get(key) !== null) textAt(event, key);
  for (const key of EXTENSIONS) if (event.has(key)) textAt(event, key);
}

export class Records {
  count = 0;
  head = '';
  stream = '';
  /** What the genesis says. */
  keysetDigest: Json | undefined;
  specHash: Json | undefined;
  log: Log | undefined;
  /** Canonical JSON of the headers of the first and the newest record. */
  first: Uint8Array = new Uint8Array();
  last: Uint8Array = new Uint8Array();
  seal: Seal | undefined;
  readonly withheld: number[] = [];
  /** `time` of the last event that is not withheld. */
  lastTime: string | undefined;
  bad: Bad | undefined;

  readonly #keys: KeysOfRun;
  readonly #ids = new Set<string>();
  #planned = false;
  #refused = false;

  constructor(keys: KeysOfRun) {
    this.#keys = keys;
  }

  /** @param line without its newline. @returns false when it is bad, and the reading is over */
  push(line: Uint8Array): boolean {
    try {
      this.#read(line);
      return true;
    } catch (error) {
      if (error instanceof Judged) this.bad = error.verdict;
      else if (error instanceof Refusal) this.bad = 'tampered';
      else throw error;
      return false;
    }
  }

  #read(line: Uint8Array): void {
    if (line.byteLength > LINE_BYTES_MAX) refuse('a line is too long');
    const value = readJson(line);
    const version = isMap(value) ? value.get('v') : undefined;
    if (isWhole(version) && version !== 1n) throw new Judged('unsupported');
    if (this.seal !== undefined) refuse('something follows the seal');
    if (!canonical(value).equals(line)) refuse('not the canonical spelling');
    const record = exactMembers(value, ['v', 'stream', 'seq', 'prev', 'tier', 'salt', 'digest'], ['envelope']);
    if (version !== 1n) refuse('no version');
    const salt = decode(textAt(record, 'salt'), 'base64url');
    if (!TIERS.includes(textAt(record, 'tier')) || salt.byteLength !== 16 || !isDigest(textAt(record, 'digest'))) refuse('a member has no form');
    this.#checkPlace(record);
    const header = new Map(record);
    header.delete('envelope');
    const bytes = canonical(header);
    if (record.has('envelope')) this.#envelope(record, salt);
    else if (this.count === 0) refuse('the first event is withheld');
    else this.withheld.push(this.count);
    if (this.count === 0) this.first = bytes;
    this.last = bytes;
    this.count += 1;
    this.head = digest(bytes);
  }

  #checkPlace(record: JsonMap): void {
    const stream = textAt(record, 'stream');
    if (this.count === 0) this.stream = stream;
    else if (stream !== this.stream) refuse('of another stream');
    if (integerAt(record, 'seq') !== BigInt(this.count)) refuse('out of place');
    const prev = this.count === 0 ? digest(Buffer.from(`cellos evidence chain v1\n${stream}`)) : this.head;
    if (textAt(record, 'prev') !== prev) refuse('it does not follow the one before');
  }

  #envelope(record: JsonMap, salt: Buffer): void {
    const envelope = this.#envelopeOf(record);
    if (textAt(record, 'digest') !== `sha256:${sha256(Buffer.concat([salt, envelope.bytes])).toString('hex')}`) refuse('the digest is another');
    const key = this.#keys.events.get(envelope.kid) ?? refuse('the keyset names no such key for events');
    if (!fitsEd25519(key.bytes, canonical(envelope.event), envelope.signature)) refuse('the signature does not fit');
    const time = envelope.event.get('time');
    if (!counts(key, this.#keys.newest, { run: this.stream, seq: this.count, time: typeof time === 'string' ? time : undefined })) throw new Judged('untrusted-key');
    this.#content(envelope.event, textAt(record, 'tier'));
    this.lastTime = typeof time === 'string' ? time : undefined;
  }

  #envelopeOf(record: JsonMap): Envelope {
    const envelope = exactMembers(record.get('envelope'), ['algorithm', 'event', 'signature', 'signerKid']);
    const event = envelope.get('event');
    if (textAt(envelope, 'algorithm') !== 'ed25519' || !isMap(event)) return refuse('no envelope');
    checkEvent(event);
    return { event, kid: textAt(envelope, 'signerKid'), signature: decode(textAt(envelope, 'signature'), 'base64url'), bytes: canonical(envelope) };
  }

  #content(event: JsonMap, tier: string): void {
    const [id, type] = [textAt(event, 'id'), textAt(event, 'type')];
    if (this.#ids.has(id)) refuse('an event stands twice');
    this.#ids.add(id);
    const data = event.get('data');
    const members: JsonMap = isMap(data) ? data : new Map();
    if (members.has('runId') && members.get('runId') !== this.stream) refuse('an event of another run');
    const name = type.startsWith(PREFIX) ? type.slice(PREFIX.length) : '';
    if ((name === 'evidence.v1.genesis') !== (this.count === 0)) refuse('the genesis is not where it has to be');
    if (['evidence.v1.genesis', 'evidence.v1.sealed', 'policy.v1.decided'].includes(name) && tier !== 'host') refuse('not seen by the host');
    if (name === 'evidence.v1.genesis') this.#genesis(members);
    if (name === 'policy.v1.decided') this.#decided(members);
    if (name === 'evidence.v1.sealed') this.#sealed(members);
    if (this.#refused && AFTER_REFUSAL.includes(name)) refuse('it went on after a refusal');
    if (name === 'plan.v1.effective') this.#planned = true;
  }

  #genesis(data: JsonMap): void {
    if (textAt(data, 'runId') !== this.stream) refuse('the genesis is of another run');
    this.keysetDigest = data.get('keysetDigest');
    this.specHash = data.get('canonicalSpecHash');
    if (data.has('log')) this.log = logOf(data.get('log') ?? null);
  }

  #decided(data: JsonMap): void {
    if (this.#planned) refuse('decided after the plan');
    const decision = redecide(data.get('decision'));
    if (decision === 'unsupported') throw new Judged('unsupported');
    if (decision.specHash !== this.specHash) refuse('about another document');
    this.#refused ||= decision.refused;
  }

  #sealed(data: JsonMap): void {
    const outcome = data.get('outcome');
    const gaps = integerAt(data, 'gaps');
    if (integerAt(data, 'count') !== BigInt(this.count + 1) || textAt(data, 'head') !== this.head) refuse('the seal counts otherwise');
    if (gaps < 0n) refuse('gaps below zero');
    this.seal = { outcome: typeof outcome === 'string' ? outcome : '', gaps };
  }
}

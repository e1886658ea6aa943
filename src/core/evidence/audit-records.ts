/** Checks the records of a bundle one line at a time, in order. Pure; holds one record and the event ids seen. */
import { type Bytes, equalBytes, fromBase64Url, tryDecodeUtf8, utf8 } from '../../base/bytes.ts';
import { canonicalText } from '../../base/canonical-json.ts';
import { digestOf } from '../../base/crypto.ts';
import { isCellError, messageOf } from '../../base/errors.ts';
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { EVENTS } from '../events/catalogue.ts';
import { canonicalEventText } from '../events/envelope-codec.ts';
import type { CloudEvent } from '../events/envelope.ts';
import { redecide } from '../policy/decision.ts';
import { canonicalEnvelopeText, parseEnvelope, verifyEventText } from '../signing/envelope.ts';
import type { RecordPosition } from '../signing/key-validity.ts';
import { envelopeDigest, firstPrev, RECORD_VERSION, SALT_BYTES } from './chain.ts';
import { type LogAnchor, parseAnchor } from './log-proof.ts';
import { leafHash } from './merkle.ts';

export interface BadRecord {
  /** Position in the file, from 0; the `seq` the record should have. */
  readonly seq: number;
  /** Line of records.jsonl, from 1. */
  readonly line: number;
  readonly reason: string;
}

export interface Seal {
  readonly count: number;
  readonly head: string;
  readonly outcome: string;
  readonly gaps: number;
}

const HEADER_KEYS = ['digest', 'prev', 'salt', 'seq', 'stream', 'tier', 'v'];
/** What nothing of may follow a refusal. */
const EFFECTS: ReadonlySet<string> = new Set([EVENTS.planEffective.type, EVENTS.isolationObserved.type, EVENTS.started.type, EVENTS.processSpawned.type]);
const TIERS = new Set(['kernel', 'proxy', 'host', 'guest']);

/** As it stands in the record: it may be any value. */
const textOf = (value: JsonValue | undefined): string => (value === undefined ? 'nothing' : canonicalText(value));

/** @returns why what this key signed at this position does not count; undefined when it does */
export type KeyRefusal = (kid: string, position: RecordPosition) => string | undefined;

export class RecordAuditor {
  readonly #keys: ReadonlyMap<string, Bytes>;
  readonly #refusalOf: KeyRefusal;
  readonly #ids = new Set<string>();
  #head = '';
  count = 0;
  stream: string | undefined;
  firstBad: BadRecord | undefined;
  unsupported = false;
  /** The first bad record is authentic, but of a key that does not count there. */
  untrusted = false;
  /** Positions of the records whose event was taken out. */
  readonly withheld: number[] = [];
  /** Time of the last event, as it says itself. */
  lastTime: string | undefined;
  seal: Seal | undefined;
  keysetDigest: string | undefined;
  /** The host's log as the run found it; undefined: its host keeps none. */
  anchor: LogAnchor | undefined;
  #firstHeader: Bytes = new Uint8Array(0);
  #lastHeader: Bytes = new Uint8Array(0);
  /** Of the document, as the genesis says. */
  specHash: string | undefined;
  /** A policy decision of this run refused it: no cell may be made any more. */
  policyRefused = false;
  /** Something that policy decides about has begun. */
  begun = false;

  /** @param keys kid → Ed25519 public key of the keys whose purpose is `event` */
  constructor(keys: ReadonlyMap<string, Bytes>, refusalOf: KeyRefusal = () => undefined) {
    this.#keys = keys;
    this.#refusalOf = refusalOf;
  }

  /** An auditor that goes on from here by itself: many endings can be judged after one reading of the beginning. */
  fork(): RecordAuditor {
    const copy = new RecordAuditor(this.#keys, this.#refusalOf);
    for (const id of this.#ids) copy.#ids.add(id);
    copy.#head = this.#head;
    copy.withheld.push(...this.withheld);
    copy.#firstHeader = this.#firstHeader;
    copy.#lastHeader = this.#lastHeader;
    const { count, stream, firstBad, unsupported, untrusted, lastTime, seal, keysetDigest, anchor, specHash, policyRefused, begun } = this;
    return Object.assign(copy, { count, stream, firstBad, unsupported, untrusted, lastTime, seal, keysetDigest, anchor, specHash, policyRefused, begun });
  }

  /** Names the record that would come next as the first bad one. */
  refuse(reason: string): void {
    this.firstBad ??= { seq: this.count, line: this.count + 1, reason };
  }

  /** @param line without its newline. Once a record is bad, the rest is not looked at: nothing after it can be trusted. */
  push(line: Bytes): void {
    if (this.firstBad !== undefined) return;
    const reason = this.#check(line);
    if (reason !== undefined) this.refuse(reason);
    else this.count += 1;
  }

  #check(line: Bytes): string | undefined {
    const text = tryDecodeUtf8(line);
    if (text === undefined) return 'the line is not valid UTF-8';
    let record: JsonValue;
    try {
      record = parseJson(text);
    } catch (error) {
      return `the line is not one JSON object: ${messageOf(error)}`;
    }
    if (!isJsonObject(record)) return 'the line is not an object';
    if (record['v'] !== RECORD_VERSION) {
      this.unsupported ||= typeof record['v'] === 'number';
      return 'the record is of another version';
    }
    if (!equalBytes(utf8(canonicalText(record)), line)) return 'the line is not in canonical form';
    return this.#checkHeader(record) ?? this.#checkEnvelope(record) ?? this.#advance(record);
  }

  #checkHeader(record: JsonObject): string | undefined {
    const keys = Object.keys(record).filter((key) => key !== 'envelope');
    if (keys.length !== HEADER_KEYS.length || !HEADER_KEYS.every((key) => keys.includes(key))) return 'the record has other members than a record has';
    const { stream, seq, prev, tier } = record;
    if (typeof stream !== 'string') return 'the stream is not a string';
    if (this.stream === undefined) {
      this.stream = stream;
      this.#head = firstPrev(stream);
    }
    if (stream !== this.stream) return `the record belongs to the run "${stream}"`;
    if (seq !== this.count) return `the record says it is number ${textOf(seq)}, and stands as number ${this.count}`;
    if (prev !== this.#head) return 'the record does not follow the one before it';
    if (typeof tier !== 'string' || !TIERS.has(tier)) return 'the tier is not known';
    if (this.seal !== undefined) return 'a record stands after the seal';
    return undefined;
  }

  #checkEnvelope(record: JsonObject): string | undefined {
    const { envelope, salt, digest } = record;
    const saltBytes = typeof salt === 'string' ? fromBase64Url(salt) : undefined;
    if (saltBytes?.byteLength !== SALT_BYTES) return 'the salt is malformed';
    if (typeof digest !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(digest)) return 'the digest is malformed';
    if (envelope === undefined) {
      this.withheld.push(this.count);
      return this.count === 0 ? 'the first record is withheld' : undefined;
    }
    const text = canonicalText(envelope);
    if (envelopeDigest(saltBytes, text) !== digest) return 'the event is not the one the record was made for';
    let event: CloudEvent;
    let kid: string;
    try {
      const parsed = parseEnvelope(envelope);
      kid = parsed.signerKid;
      const eventText = canonicalEventText(parsed.event);
      verifyEventText(eventText, parsed, { ed25519: this.#keys });
      event = parsed.event;
      // Reading drops what it does not know, and takes what is absent for null: nothing may stand here that was not signed, nor a bound that means nothing.
      if (canonicalEnvelopeText(eventText, parsed) !== text) return 'the envelope has other members than a signed event has';
    } catch (error) {
      return isCellError(error) ? error.message : messageOf(error);
    }
    const refusal = this.#refusalOf(kid, { run: this.stream ?? '', seq: this.count, time: event.time });
    this.untrusted = refusal !== undefined;
    return refusal ?? this.#checkEvent(event, record['tier']);
  }

  #checkEvent(event: CloudEvent, tier: JsonValue | undefined): string | undefined {
    const data = isJsonObject(event.data) ? event.data : jsonObject({});
    if (this.#ids.has(event.id)) return `the event id ${event.id} stands twice`;
    this.#ids.add(event.id);
    this.lastTime = event.time;
    if (data['runId'] !== undefined && data['runId'] !== this.stream) return `the event is about the run ${textOf(data['runId'])}`;
    const genesis = event.type === EVENTS.genesis.type;
    if (genesis !== (this.count === 0)) return genesis ? 'a genesis stands in the middle' : 'the first record is not a genesis';
    if ((genesis || event.type === EVENTS.sealed.type) && tier !== 'host') return 'a genesis and a seal are of the tier host'; // U7
    if (genesis) return this.#checkGenesis(data);
    if (event.type === EVENTS.policyDecided.type) return this.#checkDecision(data, tier);
    if (EFFECTS.has(event.type)) {
      if (this.policyRefused) return 'policy refused the document, and the run went on'; // audit.ts U9
      this.begun = true;
    }
    return event.type === EVENTS.sealed.type ? this.#checkSeal(data) : undefined;
  }

  #checkGenesis(data: JsonObject): string | undefined {
    if (data['runId'] !== this.stream) return 'the genesis does not name its run';
    this.keysetDigest = typeof data['keysetDigest'] === 'string' ? data['keysetDigest'] : undefined;
    this.specHash = typeof data['canonicalSpecHash'] === 'string' ? data['canonicalSpecHash'] : undefined;
    if (data['log'] === undefined) return undefined;
    const anchor = parseAnchor(data['log']);
    if (anchor === undefined) return 'the genesis does not say which log its host keeps, and how far it was';
    this.anchor = anchor;
    return undefined;
  }

  /** audit.ts U9 */
  #checkDecision(data: JsonObject, tier: JsonValue | undefined): string | undefined {
    if (tier !== 'host') return 'a policy decision is of the tier host';
    if (this.begun) return 'the policy decision stands after what it decides about';
    const again = redecide(data['decision']);
    if (again.kind !== 'same') {
      this.unsupported ||= again.kind === 'unsupported';
      return `the policy decision ${again.kind === 'unsupported' ? 'cannot be decided again' : 'is not what it was decided by'}: ${again.reason}`;
    }
    if (again.decision.specHash !== this.specHash) return 'the policy decision is about another document';
    this.policyRefused ||= again.decision.verdict === 'refused';
    return undefined;
  }

  #checkSeal(data: JsonObject): string | undefined {
    const { count, head, outcome, gaps } = data;
    if (count !== this.count + 1) return `the seal counts ${textOf(count)} records, there are ${this.count + 1}`;
    if (head !== this.#head) return 'the seal names another head';
    if (typeof gaps !== 'number' || !Number.isSafeInteger(gaps) || gaps < 0) return 'the seal does not say how many gaps there are'; // audit.ts U6
    this.seal = { count, head: this.#head, outcome: typeof outcome === 'string' ? outcome : '', gaps };
    return undefined;
  }

  #advance(record: JsonObject): undefined {
    const header: Record<string, JsonValue | undefined> = { ...record };
    delete header['envelope'];
    this.#lastHeader = utf8(canonicalText(jsonObject(header)));
    if (this.count === 0) this.#firstHeader = this.#lastHeader;
    this.#head = digestOf(this.#lastHeader);
    return undefined;
  }

  /** Leaf hashes of the first and the last record in the host's log. */
  get ends(): { readonly first: Bytes; readonly last: Bytes } {
    return { first: leafHash(this.#firstHeader), last: leafHash(this.#lastHeader) };
  }

  get head(): string {
    return this.#head;
  }
}

/**
 * The hash chain of one run. A record is one line: a header, and the signed event it stands for (product.md, "Evidence on disk").
 *
 *   D1  `seq` counts from 0 without a gap; `prev` is the digest of the header before; the first `prev` names the stream itself;
 *   D2  `digest` covers salt and envelope, `prev` covers the header only: an envelope can be withheld and the chain still holds;
 *   D3  the last record is a seal that states count and head under a signature: what is missing at the end shows too.
 *
 * Canonical texts are put together from their parts, not made twice: members in sorted order are known here.
 */
import { type Bytes, concatBytes, toBase64Url, utf8 } from '../../base/bytes.ts';
import { canonicalText, stringText } from '../../base/canonical-json.ts';
import { type Digest, digestOf } from '../../base/crypto.ts';
import { assert } from '../../base/errors.ts';
import { jsonObject, type JsonObject } from '../../base/json.ts';
import { EVENTS } from '../events/catalogue.ts';
import { canonicalEventText } from '../events/envelope-codec.ts';
import type { CloudEvent, EventDraft, EvidenceTier } from '../events/envelope.ts';
import { canonicalEnvelopeText, type EventSigner } from '../signing/envelope.ts';

export const RECORD_VERSION = 1;
export const SALT_BYTES = 16;

/** Where a chain begins: no record of one stream fits at the start of another. */
export function firstPrev(stream: string): Digest {
  return digestOf(utf8(`cellos evidence chain v1\n${stream}`));
}

/** SHA-256(salt ‖ canonical envelope). */
export function envelopeDigest(salt: Bytes, envelopeText: string): Digest {
  return digestOf(concatBytes([salt, utf8(envelopeText)]));
}

export interface RecordHeader {
  readonly stream: string;
  readonly seq: number;
  readonly prev: string;
  readonly tier: string;
  readonly salt: string;
  readonly digest: string;
}

/** Canonical text of a record without its envelope: what the next `prev` is the digest of. */
export function headerText(header: RecordHeader): string {
  return canonicalText(jsonObject({ v: RECORD_VERSION, ...header }));
}

export interface AppendedRecord {
  /** The line, newline included. */
  readonly line: Bytes;
  readonly seq: number;
  readonly event: CloudEvent;
  /** Canonical text of the record without its envelope: what the host's log takes. */
  readonly header: Bytes;
}

export interface ChainSources {
  readonly stream: string;
  readonly signer: EventSigner;
  readonly source: string;
  readonly salt: () => Bytes;
  readonly eventId: () => string;
  readonly time: () => string;
}

/** Writes the records of one run. Holds no file: the caller makes each line durable. */
export class ChainWriter {
  readonly #sources: ChainSources;
  #seq = 0;
  #head: Digest;
  #sealed = false;

  constructor(sources: ChainSources) {
    this.#sources = sources;
    this.#head = firstPrev(sources.stream);
  }

  get count(): number {
    return this.#seq;
  }

  /** Digest of the last header. */
  get head(): Digest {
    return this.#head;
  }

  append(draft: EventDraft): AppendedRecord {
    assert(!this.#sealed, 'nothing is appended after the seal [D3]');
    const { stream, signer, source } = this.#sources;
    const event: CloudEvent = {
      specversion: '1.0',
      id: this.#sources.eventId(),
      source,
      type: draft.type,
      datacontenttype: 'application/json',
      data: draft.data,
      time: this.#sources.time(),
      ...(draft.cex === undefined ? {} : { cex: draft.cex }),
    };
    const eventText = canonicalEventText(event);
    const signature = toBase64Url(signer.sign(utf8(eventText)));
    const envelopeText = canonicalEnvelopeText(eventText, { signerKid: signer.kid, algorithm: 'ed25519', signature });
    const salt = this.#sources.salt();
    const digest = envelopeDigest(salt, envelopeText);
    const tail = `"prev":"${this.#head}","salt":"${toBase64Url(salt)}","seq":${this.#seq},"stream":${stringText(stream)},"tier":"${draft.tier satisfies EvidenceTier}","v":${RECORD_VERSION}}`;
    const header = utf8(`{"digest":"${digest}",${tail}`);
    const record: AppendedRecord = { line: utf8(`{"digest":"${digest}","envelope":${envelopeText},${tail}\n`), seq: this.#seq, event, header };
    this.#head = digestOf(header);
    this.#seq += 1;
    return record;
  }

  /** The last record: how many there are with it, and the head before it. */
  seal(members: JsonObject): AppendedRecord {
    const record = this.append({ type: EVENTS.sealed.type, tier: 'host', data: jsonObject({ ...members, count: this.#seq + 1, head: this.#head }) });
    this.#sealed = true;
    return record;
  }
}

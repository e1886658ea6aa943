/**
 * What the records of one run say, sorted by type, for the parts of a report. Read, not verified: the audit stands beside it.
 *
 *   RF1  bounded: of each type the first entries and the last one are kept, and the rest is counted;
 *   RF2  what a guest claims is shown in the timeline and believed nowhere else: no part of a report is made from a record of that tier;
 *   RF3  of the types there can be one of, the first counts: what is added later explains nothing away.
 */
import { jsonObject, type JsonObject } from '../../../base/json.ts';
import { EVENTS } from '../../events/catalogue.ts';
import type { ViewedRecord } from '../viewed-record.ts';
import { Bounded } from './read-data.ts';
import { SecretLives } from './secret-lives.ts';

/** Entries kept of each type. */
const LIST_MAX = 1_000;

const WANTED: ReadonlySet<string> = new Set(
  (
    [
      'genesis', 'planEffective', 'planRefused', 'admissionRefused', 'policyDecided', 'networkScope', 'isolationObserved', 'started', 'networkPolicy',
      'processSpawned', 'processExited', 'limitReached', 'outputCaptured', 'commandCompleted', 'workspaceChanged', 'workspaceApplied', 'fileTouched', 'fsTouch',
      'exportCompleted', 'exportFailed', 'identityMaterialized', 'identityFailed', 'identityRevoked', 'complianceSummary', 'teardownCertificate', 'recoverySwept',
      'destroyed', 'sealed', 'l7EgressDecision', 'networkFlowDecision', 'dnsQuery', 'policyRejected', 'authzRejected', 'admissionAllowed', 'admissionRejected',
    ] as const
  ).map((name) => EVENTS[name].type),
);

export interface SignerCount {
  readonly kid: string;
  records: number;
}

const NO_DATA: JsonObject = jsonObject({});

export class RunFacts {
  readonly timeline: Bounded<ViewedRecord>;
  readonly secrets = new SecretLives();
  /** Numbers of the records whose event is withheld. */
  readonly withheld = new Bounded<number>(LIST_MAX);
  /** Kids by what they signed, in the order they came. */
  readonly signers = new Map<string, SignerCount>();
  readonly #byType = new Map<string, { readonly list: Bounded<ViewedRecord>; last: ViewedRecord }>();
  #records = 0;
  #unreadable = 0;
  #clockBackMs = 0;
  #lastMs = Number.NaN;

  /** @param timelineMax events kept for the timeline */
  constructor(timelineMax: number) {
    this.timeline = new Bounded(timelineMax);
  }

  /** @param record undefined: a line that is no record */
  apply(record: ViewedRecord | undefined): void {
    if (record === undefined) {
      this.#unreadable += 1;
      return;
    }
    this.#records += 1;
    const { eventText: _text, ...kept } = record;
    this.timeline.push(kept);
    this.#clock(record);
    if (record.signerKid !== undefined) this.#sign(record.signerKid);
    if (record.type === '') this.withheld.push(record.seq);
    if (record.tier === 'guest') return; // RF2
    if (record.type === EVENTS.secretLease.type) this.secrets.apply(kept);
    if (!WANTED.has(record.type)) return;
    const known = this.#byType.get(record.type);
    const list = known?.list ?? new Bounded<ViewedRecord>(LIST_MAX);
    list.push(kept); // RF1
    this.#byType.set(record.type, { list, last: kept });
  }

  #clock({ time }: ViewedRecord): void {
    const ms = Date.parse(time);
    if (Number.isNaN(ms)) return;
    if (ms < this.#lastMs) this.#clockBackMs = Math.max(this.#clockBackMs, this.#lastMs - ms);
    this.#lastMs = ms;
  }

  #sign(kid: string): void {
    const known = this.signers.get(kid);
    if (known !== undefined) known.records += 1;
    else if (this.signers.size < LIST_MAX) this.signers.set(kid, { kid, records: 1 });
  }

  get records(): number {
    return this.#records;
  }

  /** Lines that are no record. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /** How far the wall clock ever went back from one record to the next, ms. */
  get clockBackMs(): number {
    return this.#clockBackMs;
  }

  all(name: keyof typeof EVENTS): readonly ViewedRecord[] {
    return this.#byType.get(EVENTS[name].type)?.list.items ?? [];
  }

  /** How many of a type there are beyond those kept. */
  more(name: keyof typeof EVENTS): number {
    return this.#byType.get(EVENTS[name].type)?.list.more ?? 0;
  }

  first(name: keyof typeof EVENTS): ViewedRecord | undefined {
    return this.all(name)[0];
  }

  last(name: keyof typeof EVENTS): ViewedRecord | undefined {
    return this.#byType.get(EVENTS[name].type)?.last;
  }

  /** Of the first of a type [RF3]. */
  data(name: keyof typeof EVENTS): JsonObject {
    return this.first(name)?.data ?? NO_DATA;
  }

  /** May a record that would tell of a use be missing? */
  get mayMiss(): boolean {
    return this.#unreadable > 0 || this.withheld.items.length > 0;
  }
}

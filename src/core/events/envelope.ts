/**
 * CloudEvents as the reference writes them (reference/02 §2), and the signed envelope around one (§5.1). Types only.
 */
import type { JsonValue } from '../../base/json.ts';

/** The seven optional extension attributes, in wire order. */
export const CEX_KEYS = [
  'cexauthorityclass',
  'cextrustceiling',
  'cexsessionid',
  'cexparenttrace',
  'cexreceipthash',
  'cexdoctrinecite',
  'cexrevocation',
] as const;
export type CexKey = (typeof CEX_KEYS)[number];

export interface CloudEvent {
  readonly specversion: string;
  readonly id: string;
  readonly source: string;
  readonly type: string;
  /** Written as `null` when undefined. */
  readonly datacontenttype?: string;
  readonly data?: JsonValue;
  readonly time?: string;
  readonly traceparent?: string;
  readonly cex?: Readonly<Partial<Record<CexKey, string>>>;
}

export type SignatureAlgorithm = 'ed25519' | 'hmac-sha256';

export interface SignedEventEnvelope {
  readonly event: CloudEvent;
  readonly signerKid: string;
  readonly algorithm: string;
  /** Base64url without padding. */
  readonly signature: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
}

/** Who saw the fact (product.md, point 4). `guest` is claimed and never trusted for policy. */
export type EvidenceTier = 'kernel' | 'proxy' | 'host' | 'guest';

/** What a step of a run wants recorded; the emitter adds id, time, signature and place in the chain. */
export interface EventDraft {
  readonly type: string;
  readonly data: JsonValue;
  readonly tier: EvidenceTier;
  readonly cex?: CloudEvent['cex'];
}

/** What is said of an audit chain as a whole: that it is closed at a row, and that its rows were delivered (reference/07 §6.5). Pure. */
import { isJsonObject, jsonObject } from '../../base/json.ts';
import { auditReconciledData } from '../events/authority.ts';
import { EVENTS } from '../events/catalogue.ts';
import type { CloudEvent, SignedEventEnvelope } from '../events/envelope.ts';
import { AUDIT_GENESIS } from './audit-row.ts';

const SOURCE = 'cellos-sink-spool';

const about = (id: string, type: string, data: CloudEvent['data']): CloudEvent => ({ specversion: '1.0', id, source: SOURCE, type, datacontenttype: 'application/json', ...(data === undefined ? {} : { data }) });

/** `lastSeq` is the number of rows, as the reference writes it. */
export function auditSealEvent(chain: { readonly chainId: string; readonly count: number; readonly head: string }): CloudEvent {
  const { chainId, count, head } = chain;
  return about(`seal-${chainId}-${count}`, EVENTS.auditSegmentSealed.type, jsonObject({ chainId, headRowHash: head, integrity: 'blake3-chain+ed25519-head', lastSeq: count }));
}

/** @param delivered the rows from `fromSeq` to `toSeq`; when there were none, both are the last row */
export function auditReconciledEvent(chain: { readonly chainId: string; readonly fromSeq: number; readonly toSeq: number; readonly delivered: number; readonly head: string }): CloudEvent {
  const { chainId, fromSeq, toSeq, delivered, head } = chain;
  return about(`reconcile-${chainId}-${toSeq}`, EVENTS.auditReconciled.type, auditReconciledData({ chainId, fromSeq, toSeq, headRowHash: head, deliveredCount: delivered, integrity: 'verified', signed: true }));
}

export type SealFault = 'other-type' | 'shape' | 'row';

/**
 * Is the seal about this chain? A chain may have grown since. The signature is the caller's to check.
 * @param hashes row hashes of the chain, in order
 */
export function sealFault({ event }: Pick<SignedEventEnvelope, 'event'>, hashes: readonly string[]): SealFault | undefined {
  if (event.type !== EVENTS.auditSegmentSealed.type) return 'other-type';
  const { data } = event;
  if (!isJsonObject(data ?? null)) return 'shape';
  const { headRowHash, lastSeq } = data as { headRowHash?: unknown; lastSeq?: unknown };
  if (typeof headRowHash !== 'string' || typeof lastSeq !== 'number' || lastSeq < 0) return 'shape';
  return (lastSeq === 0 ? AUDIT_GENESIS : hashes[lastSeq - 1]) === headRowHash ? undefined : 'row';
}

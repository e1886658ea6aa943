/** Bare events, which stand in no chain of ours. */
import type { Bytes } from '../../base/bytes.ts';
import { CellError, isCellError, messageOf } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { type EnvelopeKeys, parseEnvelope, verifyEnvelope } from '../signing/envelope.ts';
import { type AuditReport, isDefect, linesOf, report } from './audit-report.ts';

/** @returns whether the line carries an HMAC. @throws CellError for one that does not verify */
function checkBare(line: Bytes, keys: EnvelopeKeys): boolean {
  const value = parseJson(line);
  const wrapped = isJsonObject(value) && isJsonObject(value['data']) && value['event'] === undefined ? value['data'] : value;
  const envelope = parseEnvelope(wrapped);
  const hmac = envelope.algorithm === 'hmac-sha256';
  // A key id has one algorithm: a sender never chooses how it is checked.
  if (hmac && keys.ed25519.has(envelope.signerKid)) throw new CellError('signature.invalid', `Cannot accept a signed event: "${envelope.signerKid}" is an Ed25519 key, and the event carries an HMAC`, { facts: { reason: 'bad-signature' } });
  verifyEnvelope(envelope, keys);
  return hmac;
}

/**
 * JSON Lines of bare signed envelopes, or of the reference's wrapper events: authentic one by one, their order and number unproved. An HMAC
 * that fits is counted as internal, and never as proof: with one among them the verdict is `untrusted-key`.
 */
export async function auditEnvelopes(chunks: AsyncIterable<Bytes>, keys: EnvelopeKeys): Promise<AuditReport> {
  let count = 0;
  let internal = 0;
  let number = 0;
  for await (const { line } of linesOf(chunks)) {
    number += 1;
    if (line.byteLength === 0) continue;
    try {
      if (checkBare(line, keys)) internal += 1;
      count += 1;
    } catch (error) {
      if (!isDefect(error)) throw error;
      const untrusted = isCellError(error) && error.facts['reason'] === 'unknown-kid';
      const bad = { seq: count, line: number, reason: messageOf(error) };
      return report(untrusted ? 'untrusted-key' : 'tampered', [`Line ${bad.line}: ${bad.reason}`], { count, firstBadRecord: bad });
    }
  }
  if (internal > 0) return report('untrusted-key', [`${internal} of ${count} events carry an HMAC that fits: internal only, as whoever can check it can have made it`], { count, internal });
  return report('authentic-unordered', [`${count} events are authentic; nothing proves their order, or that none is missing`], { count });
}

/** What every audit ends in: one verdict of a closed list, its exit code, and what was found. */
import type { Bytes } from '../../base/bytes.ts';
import { concatBytes } from '../../base/bytes.ts';
import { CellError, type ErrorCode, isCellError } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { BadRecord } from './audit-records.ts';
import type { LogPlace } from './log-proof.ts';

export const VERDICT_EXIT = {
  complete: 0,
  'complete-with-declared-gaps': 0,
  'incomplete-tail': 10,
  tampered: 11,
  'untrusted-key': 12,
  'stale-trust': 13,
  unsupported: 14,
  'authentic-unordered': 15,
} as const;
export type Verdict = keyof typeof VERDICT_EXIT;

export interface AuditReport {
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly runId?: string;
  readonly count: number;
  readonly head?: string;
  readonly outcome?: string;
  /** Where the run stands in the log of its host, proved. */
  readonly log?: LogPlace;
  readonly firstBadRecord?: BadRecord;
  /** Bare events whose HMAC fits: whoever can check it can have made it, so it proves nothing to others. */
  readonly internal?: number;
  /** What was found wrong, or stands in the way; empty for `complete`. */
  readonly findings: readonly string[];
}

export type ReportParts = Partial<{ -readonly [K in keyof AuditReport]: AuditReport[K] }>;

export function report(verdict: Verdict, findings: readonly string[], parts: ReportParts = {}): AuditReport {
  return { count: 0, ...parts, verdict, exitCode: VERDICT_EXIT[verdict], findings };
}

/** What a bundle may do wrong. Anything else thrown is ours: a bug, or a disk that cannot be read. */
const DEFECTS: ReadonlySet<ErrorCode> = new Set(['evidence.invalid', 'json.invalid', 'json.number', 'signature.invalid', 'event.invalid', 'crypto.key']);

export function isDefect(error: unknown): boolean {
  return isCellError(error) && DEFECTS.has(error.code);
}

/** Yields lines without their newline; bounded memory. `complete` is false for what stands after the last newline. */
export async function* linesOf(chunks: AsyncIterable<Bytes>): AsyncGenerator<{ line: Bytes; complete: boolean }> {
  let rest: Bytes = new Uint8Array(0);
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield { line: rest.byteLength === 0 ? chunk.subarray(from, at) : concatBytes([rest, chunk.subarray(from, at)]), complete: true };
      rest = new Uint8Array(0);
      from = at + 1;
    }
    rest = concatBytes([rest, chunk.subarray(from)]);
    if (rest.byteLength > LIMITS.recordSizeBytesMax) throw new CellError('evidence.invalid', `Cannot read the records: a line is longer than ${LIMITS.recordSizeBytesMax} bytes`);
  }
  if (rest.byteLength > 0) yield { line: rest, complete: false };
}

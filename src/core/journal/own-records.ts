/** Content of the records the journal writes itself, and of its small files: canonical JSON (RFC 8785), read strictly. */
import type { Bytes } from '../../base/bytes.ts';
import { jcsBytes } from '../../base/canonical-json.ts';
import type { Digest } from '../../base/crypto.ts';
import { CellError, ignore } from '../../base/errors.ts';
import { isJsonObject, type JsonObject, jsonObject } from '../../base/json.ts';
import { parseJson } from '../../base/json-parse.ts';
import { LIMITS } from '../../base/limits.ts';

/** Who writes to a journal, as its epoch file and its epoch record say. */
export interface EpochRecord {
  readonly epoch: number;
  readonly bootId: string;
  readonly pid: number;
  /** In clock ticks since boot, as /proc has it. */
  readonly startTime: string;
  /** 16 random bytes, hex. */
  readonly token: string;
}

/** A tail that was cut off at a start. */
export interface TruncatedRecord {
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
  readonly digest: Digest;
  /** File the bytes are kept in. */
  readonly keptAs: string;
}

/** Segments that retention removed: those before `firstSegment`. */
export interface DroppedRecord {
  readonly firstSegment: number;
  readonly firstSequence: number;
  /** Chain digest of the record before `firstSequence`, hex. */
  readonly chain: string;
}

export function ownPayload(content: EpochRecord | TruncatedRecord | DroppedRecord): Bytes {
  return jcsBytes(jsonObject({ v: 1, ...content }));
}

/** @returns undefined for anything but a small JSON object of version 1 */
function parseSmall(bytes: Bytes): JsonObject | undefined {
  if (bytes.byteLength > LIMITS.journalSmallBytesMax) return undefined;
  try {
    const value = parseJson(bytes);
    return isJsonObject(value) && value['v'] === 1 ? value : undefined;
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    ignore(error, 'what is no JSON is no small file of a journal');
    return undefined;
  }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

/** @returns undefined when the bytes are no epoch */
export function parseEpoch(bytes: Bytes): EpochRecord | undefined {
  const found = parseSmall(bytes);
  if (found === undefined) return undefined;
  const { epoch, pid, bootId, startTime, token } = found;
  if (!isCount(epoch) || !isCount(pid) || typeof bootId !== 'string' || typeof startTime !== 'string' || typeof token !== 'string') return undefined;
  return { epoch, bootId, pid, startTime, token };
}

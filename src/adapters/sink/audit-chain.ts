/**
 * Events as rows of the reference's audit chain: `audit-trail.jsonl` and `audit-trail.head` in one folder (reference/07 §6).
 *
 *   A1  the whole chain is checked when it is opened; on a broken one, or one shorter than its head says, nothing is built;
 *   A2  a row is durable, then its head is, before `emit` settles; a head that is one row behind is what a crash between the two leaves, and is
 *       brought up; a torn last line is moved aside;
 *   A3  one program writes at a time; what another has written meanwhile is read again, from its beginning.
 * LIMIT: A3 holds between programs of one network namespace; the chains of others are found forked, and not continued.
 */
import { closeSync, constants, fsyncSync, fstatSync, ftruncateSync, mkdirSync, openSync, readFileSync, realpathSync, writeFileSync, writeSync } from 'node:fs';
import { tryDecodeUtf8, utf8 } from '../../base/bytes.ts';
import { CellError, errnoOf, isCellError, messageOf } from '../../base/errors.ts';
import { sha256Hex } from '../../base/crypto.ts';
import { LIMITS } from '../../base/limits.ts';
import { AUDIT_GENESIS, type AuditRow, auditRowOf, auditRowText, checkAuditChain, parseAuditRow } from '../../core/evidence/audit-row.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import { writeFileAtomic } from '../os/durable-file.ts';
import { withLock } from '../os/named-lock.ts';

export interface AuditChainOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Make the folder when it is not there. */
  readonly make: boolean;
}

function broken(folder: string, why: string, cause?: unknown): CellError {
  return new CellError('evidence.invalid', `Cannot continue the audit chain in ${folder}: ${why}`, { facts: { folder }, ...(cause === undefined ? {} : { cause }) });
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Complete lines, and what stands after the last line end. */
function linesOf(bytes: Uint8Array): { lines: string[]; torn: string } | undefined {
  const parts = tryDecodeUtf8(bytes)?.split('\n');
  if (parts === undefined) return undefined;
  const torn = parts.pop() ?? '';
  return { lines: parts.filter((line) => line.trim() !== ''), torn };
}

function rowsOf(folder: string, lines: readonly string[]): AuditRow[] {
  return lines.map((line, at) => {
    try {
      return parseAuditRow(line);
    } catch (error) {
      throw broken(folder, `row ${at} cannot be read; move the files away to begin a new chain, and keep them`, error);
    }
  });
}

/** A chain with what is kept beside it: the seal, and how far its rows were forwarded. */
export interface AuditTrail extends EventSink {
  /** The whole chain, checked. @throws CellError `evidence.invalid` */
  rows(): readonly AuditRow[];
  /** `audit-trail.sig`: the signed envelope of the last seal, as text. */
  readSeal(): string | undefined;
  /** @throws CellError `evidence.unwritable` */
  writeSeal(text: string): void;
  /** Number of the last row that was forwarded; undefined: none was, or nobody can read which. */
  readCursor(): number | undefined;
  /** @throws CellError `evidence.unwritable` */
  writeCursor(seq: number): void;
}

/** A3 */
function oneAtATime<T>(folder: string, work: () => T): Promise<T> {
  const name = sha256Hex(utf8(realpathSync(folder))).slice(0, 32);
  return withLock(`audit/${name}`, { looks: LIMITS.auditLockLooks, what: `the audit chain in ${folder}` }, work);
}

class AuditChain implements AuditTrail {
  readonly name = 'audit-chain';
  readonly #folder: string;
  readonly #clock: Clock;
  #file: number | undefined;
  #count = 0;
  #head = AUDIT_GENESIS;
  #size = 0;

  constructor({ folder, clock }: AuditChainOptions) {
    this.#folder = folder;
    this.#clock = clock;
    this.#open();
  }

  get #trail(): string {
    return `${this.#folder}/audit-trail.jsonl`;
  }

  rows(): readonly AuditRow[] {
    const text = linesOf(readFileSync(this.#trail));
    const rows = rowsOf(this.#folder, text?.lines ?? []);
    if (text === undefined || !checkAuditChain(rows).ok) throw broken(this.#folder, 'somebody has changed it');
    return rows;
  }

  #beside(name: 'sig' | 'forward-cursor'): string | undefined {
    const bytes = readIfThere(`${this.#folder}/audit-trail.${name}`);
    return bytes === undefined ? undefined : tryDecodeUtf8(bytes);
  }

  #writeBeside(name: 'sig' | 'forward-cursor', text: string): void {
    try {
      writeFileAtomic(`${this.#folder}/audit-trail.${name}`, utf8(text), { mode: 0o640 });
    } catch (error) {
      throw new CellError('evidence.unwritable', `Cannot write beside the audit chain in ${this.#folder}: ${messageOf(error)}`, { cause: error });
    }
  }

  readSeal(): string | undefined {
    return this.#beside('sig');
  }

  writeSeal(text: string): void {
    this.#writeBeside('sig', text);
  }

  readCursor(): number | undefined {
    const text = this.#beside('forward-cursor')?.trim() ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  }

  writeCursor(seq: number): void {
    this.#writeBeside('forward-cursor', String(seq));
  }

  #open(): void {
    this.#file ??= openSync(this.#trail, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW, 0o640);
    const file = this.#file;
    if (fstatSync(file).size > LIMITS.auditTrailBytesMax) throw broken(this.#folder, `it has more than ${LIMITS.auditTrailBytesMax} bytes; seal it and begin a new one`);
    const bytes = readFileSync(this.#trail);
    const text = linesOf(bytes);
    if (text === undefined) throw broken(this.#folder, 'it is not UTF-8 text');
    if (text.torn !== '') this.#setAside(file, bytes, text.torn);
    const rows = rowsOf(this.#folder, text.lines);
    const check = checkAuditChain(rows);
    if (!check.ok) throw broken(this.#folder, `row ${check.row} breaks it (${check.why}); somebody has changed it`); // A1
    this.#compareHead(rows, check.head);
    this.#count = check.count;
    this.#head = check.head;
    this.#size = fstatSync(file).size;
  }

  /** A2: a write that a crash cut off. */
  #setAside(file: number, bytes: Uint8Array, torn: string): void {
    const kept = bytes.byteLength - utf8(torn).byteLength;
    writeFileSync(`${this.#folder}/audit-trail.torn-${this.#clock.nowMs()}`, bytes.subarray(kept), { mode: 0o640, flag: 'wx' });
    ftruncateSync(file, kept);
    fsyncSync(file);
  }

  #compareHead(rows: readonly AuditRow[], head: string): void {
    const stored = readIfThere(`${this.#folder}/audit-trail.head`);
    const text = stored === undefined ? undefined : tryDecodeUtf8(stored)?.trim();
    if (text === head || (stored === undefined && rows.length === 0)) return;
    if (stored !== undefined && text !== rows.at(-1)?.prevHash) throw broken(this.#folder, 'its head file names another row than the last one: rows are missing');
    this.#writeHead(head); // A2
  }

  #writeHead(head: string): void {
    writeFileAtomic(`${this.#folder}/audit-trail.head`, utf8(head), { mode: 0o640 });
  }

  #append(event: Parameters<EventSink['emit']>[0]): void {
    if (this.#file === undefined || fstatSync(this.#file).size !== this.#size) this.#open(); // A3
    const row = auditRowOf(event, { seq: this.#count, at: this.#clock.nowRfc3339(), prevHash: this.#head });
    const line = utf8(`${auditRowText(row)}\n`);
    const file = this.#file ?? -1;
    for (let at = 0; at < line.byteLength; ) at += writeSync(file, line, at);
    fsyncSync(file);
    this.#writeHead(row.rowHash);
    this.#count += 1;
    this.#head = row.rowHash;
    this.#size += line.byteLength;
  }

  async emit(event: Parameters<EventSink['emit']>[0]): Promise<void> {
    try {
      await oneAtATime(this.#folder, () => this.#append(event));
    } catch (error) {
      throw new CellError('evidence.unwritable', `Cannot add to the audit chain in ${this.#folder}: ${messageOf(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** @throws CellError `evidence.invalid` for a chain nothing may be built on | `evidence.unwritable` for a folder that cannot be used */
export async function openAuditChain(options: AuditChainOptions): Promise<AuditTrail> {
  const { folder, make } = options;
  try {
    if (make) mkdirSync(folder, { recursive: true, mode: 0o755 });
    return await oneAtATime(folder, () => new AuditChain(options));
  } catch (error) {
    if (isCellError(error, 'evidence.invalid')) throw error;
    throw new CellError('evidence.unwritable', `Cannot keep an audit chain in ${folder}: ${errnoOf(error) ?? messageOf(error)}`, { cause: error });
  }
}

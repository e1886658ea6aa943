/**
 * A bundle as one file to give away, perhaps with events withheld.
 *
 *   GB1  the file is there whole or not at all, and never over another one;
 *   GB2  what was written is audited before it gets its name: an archive that does not verify is given to nobody.
 */
import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { syncFolder } from '../adapters/os/durable-file.ts';
import type { Bytes } from '../base/bytes.ts';
import { CellError, errnoOf, isCellError, messageOf } from '../base/errors.ts';
import type { BundleSource } from '../core/evidence/audit.ts';
import { linesOf } from '../core/evidence/audit-report.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import { TAR_END, tarHeader, tarPadding } from '../core/evidence/tar-writer.ts';
import { Withholder } from '../core/evidence/withhold.ts';
import { isRunId } from '../core/signing/key-validity.ts';
import { type Audited, auditAt, type Trust } from './audit.ts';
import { bundleAt } from './evidence.ts';

export interface GivenBundle {
  readonly audited: Audited;
  readonly bytes: number;
  /** Numbers of the records without their event. */
  readonly withheld: readonly number[];
}

export interface GiveOptions {
  /** Where the file goes. */
  readonly out: string;
  /** As `Withholder` takes them. */
  readonly withhold: readonly string[];
  readonly trust: Trust;
  /** How the bundle is called in messages. */
  readonly where: string;
}

/** Verdicts that are no reason not to give a bundle away: nothing of it is false. */
const GIVEN: ReadonlySet<string> = new Set(['complete', 'complete-with-declared-gaps', 'incomplete-tail']);

function requireGood({ report: { verdict, exitCode, findings } }: Audited, where: string): void {
  if (!GIVEN.has(verdict)) throw new CellError('evidence.invalid', `Cannot give ${where} away: its evidence is ${verdict}${findings[0] === undefined ? '' : ` (${findings[0]})`}; cellos verify says more`, { facts: { exit: exitCode } });
}

/** Writes blocks one after another, and headers once the size of what follows them is known. */
class ArchiveFile {
  readonly #fd: number;
  readonly #path: string;
  #at = 0;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, 'wx', 0o600);
  }

  get bytes(): number {
    return this.#at;
  }

  #write(bytes: Bytes, at: number): void {
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(this.#fd, bytes, done, bytes.byteLength - done, at + done);
  }

  #append(bytes: Bytes): void {
    this.#write(bytes, this.#at);
    this.#at += bytes.byteLength;
  }

  async add(path: string, content: AsyncIterable<Bytes>): Promise<void> {
    const header = this.#at;
    this.#append(tarHeader(path, 0));
    const from = this.#at;
    for await (const chunk of content) this.#append(chunk);
    const size = this.#at - from;
    this.#write(tarHeader(path, size), header);
    this.#append(tarPadding(size));
  }

  end(): void {
    this.#append(TAR_END);
    fsyncSync(this.#fd);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true }); // by then it has its own name, or is not wanted
  }
}

async function* withoutEvents(records: AsyncIterable<Bytes>, withholder: Withholder): AsyncGenerator<Bytes> {
  let seq = 0;
  let torn = false;
  for await (const { line, complete } of linesOf(records)) {
    yield complete ? withholder.line(line, seq) : line;
    if (complete) yield NEWLINE;
    torn = !complete;
    seq += 1;
  }
  withholder.end(torn);
}

const NEWLINE = Uint8Array.of(10);

/** @throws CellError `evidence.invalid` unless it verifies, with the fact `exit`; `usage.invalid` for what cannot be withheld, and when there is such a file or it cannot be written */
export async function giveBundle(path: string, { out, withhold, trust, where }: GiveOptions): Promise<GivenBundle> {
  const before = await auditAt(path, trust);
  requireGood(before, where);
  const found = bundleAt(path);
  if (found.kind !== 'bundle') throw new CellError('usage.invalid', `Cannot give ${where} away as a bundle: it is none`, { facts: { path } });
  const withholder = new Withholder(withhold, before.report.count);
  const temporary = `${resolve(out)}.${process.pid}.part.tar`;
  try {
    using archive = new ArchiveFile(temporary);
    const { runId = '' } = before.report;
    await addAll(archive, found.source, withholder, isRunId(runId) ? runId : 'bundle'); // a run may call itself anything
    archive.end();
    const audited = await auditAt(temporary, trust);
    requireGood(audited, where); // GB2
    if (audited.report.count !== before.report.count) throw new CellError('evidence.invalid', `Cannot give ${where} away: it has changed meanwhile`);
    linkSync(temporary, out); // GB1
    syncFolder(dirname(resolve(out)));
    return { audited, bytes: archive.bytes, withheld: withholder.withheld };
  } catch (error) {
    if (isCellError(error)) throw error;
    if (errnoOf(error) === 'EEXIST') throw new CellError('usage.invalid', `Cannot write ${out}: it is there already`, { cause: error, facts: { path: out } });
    throw new CellError('usage.invalid', `Cannot write ${out}: ${messageOf(error)}`, { cause: error, facts: { path: out } });
  }
}

async function addAll(archive: ArchiveFile, source: BundleSource, withholder: Withholder, folder: string): Promise<void> {
  for (const path of [...(await source.list())].sort()) {
    const content = source.open(path);
    await archive.add(`${folder}/${path}`, path === BUNDLE.records ? withoutEvents(content, withholder) : content);
  }
}

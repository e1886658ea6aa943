/** Reads a bundle — a folder, or a tar of one — for a report: its records one by one, and the few small files a report needs. Verifies nothing. */
import { bundleAt } from '../adapters/os/bundle-files.ts';
import { LineSplitter } from '../adapters/store/run-reader.ts';
import { type Bytes, concatBytes } from '../base/bytes.ts';
import { CellError, errnoOf, ignore, isCellError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { BundleSource } from '../core/evidence/audit.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import type { RunReport } from '../core/projection/report/report-model.ts';
import { RunReporter } from '../core/projection/report/run-report.ts';
import { type ViewedRecord, viewRecord } from '../core/projection/viewed-record.ts';
import type { Audited } from './audit.ts';
import type { RunState } from './runs.ts';

/** @throws CellError `run.unknown` when nothing is there | `evidence.invalid` when it is no bundle */
function sourceAt(path: string): BundleSource {
  const found = bundleAt(path);
  if (found.kind !== 'bundle') throw new CellError('evidence.invalid', `Cannot read ${path} as a run: it is neither a bundle folder nor a .tar of one`, { facts: { path } });
  return found.source;
}

/** A file that is not there, or not a plain one, is no error here: the audit beside it says so. */
async function* open(source: BundleSource, name: string): AsyncGenerator<Bytes> {
  try {
    yield* source.open(name);
  } catch (error) {
    if (!isCellError(error, 'evidence.invalid') && !['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'].includes(errnoOf(error) ?? '')) throw error;
    ignore(error, 'the verdict of the audit says what is missing');
  }
}

/** @returns undefined for a file that is not there, or larger than such a file may be */
async function small(source: BundleSource, name: string): Promise<Bytes | undefined> {
  const parts: Bytes[] = [];
  let size = 0;
  for await (const chunk of open(source, name)) {
    size += chunk.byteLength;
    if (size > LIMITS.documentSizeBytesMax) return undefined;
    parts.push(chunk);
  }
  return size === 0 ? undefined : concatBytes(parts);
}

/** The records of the bundle at a path, in order; undefined: a line that is none. @throws CellError as `sourceAt` */
export async function* recordsAt(path: string): AsyncGenerator<ViewedRecord | undefined> {
  const splitter = new LineSplitter();
  for await (const chunk of open(sourceAt(path), BUNDLE.records)) for (const line of splitter.push(chunk)) yield viewRecord(line);
}

export interface ReportOptions {
  /** As the state folder knows it; undefined: a bundle from elsewhere, which says itself. */
  readonly known?: { readonly runId: string; readonly state: RunState };
  /** What people are told of where it is. */
  readonly where: string;
  /** undefined for a run that is going on. */
  readonly audited?: Audited;
  readonly timelineMax: number;
}

/** @throws CellError as `sourceAt` */
export async function reportAt(path: string, { known, where, audited, timelineMax }: ReportOptions): Promise<RunReport> {
  const source = sourceAt(path);
  const reporter = new RunReporter(timelineMax);
  let runId = known?.runId;
  for await (const record of recordsAt(path)) {
    reporter.apply(record);
    const said = record?.data['runId'];
    if (typeof said === 'string') runId ??= said;
  }
  const [keyset, attestation, workspace] = await Promise.all([BUNDLE.keyset, BUNDLE.attestation, BUNDLE.workspace].map((name) => small(source, name)));
  const files = { ...(keyset === undefined ? {} : { keyset }), ...(attestation === undefined ? {} : { attestation }), ...(workspace === undefined ? {} : { workspace }) };
  const about = { where, files, ...(audited === undefined ? {} : { audit: audited.report }), ...(audited?.root === undefined ? {} : { root: audited.root }) };
  const report = reporter.report({ ...about, runId: audited?.report.runId ?? runId ?? '?', state: known?.state ?? 'unsealed' });
  if (known !== undefined) return report;
  return { ...report, run: { ...report.run, state: report.gaps.sealed && report.gaps.attested ? 'sealed' : 'unsealed' } };
}

/** Copies what the document names out of the cell: read with the cell's own authority, into the bundle by digest, and to the sink. */
import type { Digest } from '../../base/crypto.ts';
import { CellError, isCellError, messageOf } from '../../base/errors.ts';
import { jsonObject } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import { referenceData } from '../../core/events/builders.ts';
import { cellPath } from '../../core/plan/plan-cell.ts';
import type { ExportSink } from '../../ports/export-sink.ts';
import type { RunBundle } from '../../ports/run-bundle.ts';
import type { CellSession } from './cell-session.ts';

export interface ExportContext {
  readonly session: CellSession;
  readonly bundle: RunBundle;
  readonly sink: ExportSink | undefined;
  /** Opens a kept artifact again, for the sink. */
  readonly readBack: (path: string) => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

export interface ExportedArtifact {
  readonly name: string;
  /** Where the sink put it, as the receipt says. */
  readonly destination: string;
  /** The copy in the bundle. */
  readonly path: string;
  readonly bytes: number;
  readonly digest: Digest;
}

export interface ExportOutcome {
  readonly delivered: readonly ExportedArtifact[];
  /** Text of the first failure; the artifacts after it were not tried, as in the reference. */
  readonly failure?: string;
}

/** @throws CellError `export.refused` | `export.failed` after it is recorded; `evidence.unwritable` */
export async function exportArtifact(context: ExportContext, artifact: { readonly name: string; readonly path: string; readonly contentType?: string }): Promise<ExportedArtifact> {
  const { session, bundle, sink, signal } = context;
  const { run, plan, recorder, provenance } = session;
  const { name } = artifact;
  recorder.record('fsTouch', referenceData.fsTouchExport(run, { sourcePath: artifact.path, artifactName: name }));
  try {
    const path = cellPath(artifact.path, plan.workingDirectory);
    const kept = await bundle.keepArtifact(session.cell.files.read(path, { sizeBytesMax: LIMITS.artifactSizeBytesMax, signal }));
    const inBundle = { targetKind: 'local' as const, destination: `${run.cellId}/${name}`, bytesWritten: kept.bytes };
    const receipt = sink === undefined ? inBundle : await sink.push({ cellId: run.cellId, name, sizeBytes: kept.bytes, ...(artifact.contentType === undefined ? {} : { contentType: artifact.contentType }) }, context.readBack(kept.path), { signal });
    recorder.record('exportCompleted', jsonObject({ ...referenceData.exportCompleted(run, { artifactName: name, receipt, provenance }), sha256: kept.digest.slice('sha256:'.length) }));
    return { name, destination: receipt.destination, path: kept.path, bytes: kept.bytes, digest: kept.digest };
  } catch (error) {
    if (isCellError(error, 'evidence.unwritable')) throw error;
    recorder.record('exportFailed', referenceData.exportFailed(run, { artifactName: name, targetKind: sink?.kind ?? 'local', reason: messageOf(error), provenance }));
    if (isCellError(error) && error.code !== 'file.refused') throw error;
    throw new CellError(isCellError(error) ? 'export.refused' : 'export.failed', `Cannot export "${name}": ${messageOf(error)}`, { cause: error, facts: { name } });
  }
}

/** Everything the plan names, in order. @throws CellError `evidence.unwritable` */
export async function exportArtifacts(context: ExportContext): Promise<ExportOutcome> {
  const delivered: ExportedArtifact[] = [];
  for (const artifact of context.session.plan.artifacts) {
    try {
      delivered.push(await exportArtifact(context, artifact));
    } catch (error) {
      if (isCellError(error, 'evidence.unwritable')) throw error;
      return { delivered, failure: messageOf(error) };
    }
  }
  return { delivered };
}

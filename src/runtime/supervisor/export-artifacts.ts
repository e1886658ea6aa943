/** Copies what the document names out of the cell: read with the cell's own authority, into the bundle by digest, and to the sink. */
import { isCellError, messageOf } from '../../base/errors.ts';
import { jsonObject } from '../../base/json.ts';
import { LIMITS } from '../../base/limits.ts';
import { referenceData } from '../../core/events/builders.ts';
import type { ExportSink } from '../../ports/export-sink.ts';
import type { RunBundle } from '../../ports/run-bundle.ts';
import type { CellSession } from './cell-session.ts';

export interface ExportOutcome {
  readonly delivered: readonly { readonly name: string; readonly destination: string; readonly bytes: number }[];
  /** Text of the first failure; the artifacts after it were not tried, as in the reference. */
  readonly failure?: string;
}

/** @param readBack opens a kept artifact again, for the sink */
export async function exportArtifacts(input: {
  session: CellSession;
  bundle: RunBundle;
  sink: ExportSink | undefined;
  readBack: (path: string) => AsyncIterable<Uint8Array>;
  signal: AbortSignal;
}): Promise<ExportOutcome> {
  const { session, bundle, sink, signal } = input;
  const { run, plan, recorder } = session;
  const delivered: { name: string; destination: string; bytes: number }[] = [];
  for (const artifact of plan.artifacts) {
    recorder.record('fsTouch', referenceData.fsTouchExport(run, { sourcePath: artifact.path, artifactName: artifact.name }));
    try {
      const path = artifact.path.startsWith('/') ? artifact.path : `${plan.workingDirectory}/${artifact.path}`;
      const kept = await bundle.keepArtifact(session.cell.files.read(path, { sizeBytesMax: LIMITS.artifactSizeBytesMax, signal }));
      const inBundle = { targetKind: 'local' as const, destination: `${run.cellId}/${artifact.name}`, bytesWritten: kept.bytes };
      const receipt = sink === undefined ? inBundle : await sink.push({ cellId: run.cellId, name: artifact.name }, input.readBack(kept.path), { signal });
      recorder.record('exportCompleted', jsonObject({ ...referenceData.exportCompleted(run, { artifactName: artifact.name, receipt, provenance: session.provenance }), sha256: kept.digest.slice('sha256:'.length) }));
      delivered.push({ name: artifact.name, destination: receipt.destination, bytes: kept.bytes });
    } catch (error) {
      if (isCellError(error, 'evidence.unwritable')) throw error;
      const failure = `Cannot export "${artifact.name}": ${messageOf(error)}`;
      recorder.record('exportFailed', referenceData.exportFailed(run, { artifactName: artifact.name, targetKind: 'local', reason: messageOf(error), provenance: session.provenance }));
      return { delivered, failure };
    }
  }
  return { delivered };
}

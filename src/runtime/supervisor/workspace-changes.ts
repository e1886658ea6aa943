/**
 * What a command left in its workspace overlay: read when nothing of the cell writes any more, recorded, and applied when asked.
 *
 *   WS1 the list is durable in the evidence before anything of it comes into the folder;
 *   WS2 changes that cannot all be brought over leave the folder alone, and the overlay is kept.
 */
import { messageOf } from '../../base/errors.ts';
import { jsonObject } from '../../base/json.ts';
import { countChanges, type WorkspaceChange, workspaceDocumentBytes } from '../../core/workspace/changes.ts';
import type { RunBundle } from '../../ports/run-bundle.ts';
import type { WorkspaceOverlay } from '../../ports/workspace.ts';
import type { CellSession } from './cell-session.ts';

/** Paths named in the event itself; all are in workspace.json. */
const NAMED_IN_EVENT_MAX = 100;

export interface WorkspaceOutcome {
  readonly changes: readonly WorkspaceChange[];
  readonly applied: boolean;
  /** Why the changes asked for are not in the folder. */
  readonly failure?: string;
}

/** @throws CellError `evidence.unwritable` | `workspace.unreadable` */
export async function recordWorkspace(input: { session: CellSession; bundle: RunBundle; overlay: WorkspaceOverlay; source: string; apply: boolean }): Promise<WorkspaceOutcome> {
  const { session, bundle, overlay, source } = input;
  const { run, recorder } = session;
  const changes = await overlay.changes();
  const listDigest = bundle.keepDocument('workspace.json', workspaceDocumentBytes({ source, changes }));
  const ids = { runId: run.runId, cellId: run.cellId, specId: run.spec.id };
  recorder.record('workspaceChanged', jsonObject({ ...ids, source, ...countChanges(changes), listDigest, paths: changes.slice(0, NAMED_IN_EVENT_MAX).map((change) => change.path) }));
  if (!input.apply || changes.length === 0) return { changes, applied: false };
  recorder.barrier(); // WS1
  let failure: string | undefined;
  try {
    overlay.apply(changes);
  } catch (error) {
    failure = messageOf(error); // WS2
  }
  recorder.record('workspaceApplied', jsonObject({ ...ids, source, listDigest, applied: failure === undefined, reason: failure }));
  return failure === undefined ? { changes, applied: true } : { changes, applied: false, failure };
}

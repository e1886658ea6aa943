/** Workspace overlays on this host: what a run left in one, kept until it is applied or the run is removed. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import type { RunEntry, StateFolder } from '../adapters/store/state.ts';
import { diffFiles } from '../adapters/workspace/diff-files.ts';
import { openOverlay } from '../adapters/workspace/overlay.ts';
import { CellError } from '../base/errors.ts';
import { currentSettings } from '../config/env.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import { parseWorkspaceDocument, type WorkspaceDocument } from '../core/workspace/changes.ts';
import type { RunBundle } from '../ports/run-bundle.ts';
import type { CellSession } from '../runtime/supervisor/cell-session.ts';
import { recordWorkspace, type WorkspaceOutcome } from '../runtime/supervisor/workspace-changes.ts';

/** Records what the command left, then applies it, or keeps it beside the bundles. */
export async function finishWorkspace(state: StateFolder, input: { session: CellSession; bundle: RunBundle; source: string; scratch: string; helper: string; apply: boolean }): Promise<WorkspaceOutcome> {
  const { session, bundle, source, apply } = input;
  const upper = `${input.scratch}/upper`;
  const outcome = await recordWorkspace({ session, bundle, overlay: openOverlay({ source, upper, helper: input.helper }), source, apply });
  if (outcome.changes.length > 0 && !outcome.applied) {
    const kept = state.overlayOf(session.run.runId);
    mkdirSync(kept, { mode: 0o700 });
    renameSync(upper, `${kept}/upper`);
  }
  return outcome;
}

/** The changes a finished run left in its workspace, as its bundle lists them. @throws CellError `run.unknown` when it had none */
export function workspaceOf(state: StateFolder, run: RunEntry): WorkspaceDocument & { readonly kept: boolean; readonly upper: string } {
  const path = `${run.bundle}/${BUNDLE.workspace}`;
  if (!existsSync(path)) throw new CellError('run.unknown', `Cannot tell the changes of run ${run.runId}: it had no workspace, or did not come to its end`, { facts: { runId: run.runId } });
  const upper = `${state.overlayOf(run.runId)}/upper`;
  return { ...parseWorkspaceDocument(readFileSync(path)), kept: existsSync(upper), upper };
}

/** Changed lines of the text files, as `diff -u` prints them. @throws CellError `run.unknown` when the overlay is gone | `workspace.unreadable` */
export async function workspacePatch(workspace: ReturnType<typeof workspaceOf>): Promise<Uint8Array> {
  if (!workspace.kept) throw new CellError('run.unknown', 'Cannot show the changed lines: the overlay was applied or removed; without --patch the list is shown');
  const files = workspace.changes.filter(({ before, after }) => (before ?? after)?.kind === 'file' && (after ?? before)?.kind === 'file');
  return diffFiles(files.map(({ path, before, after }) => ({ path, ...(before === undefined ? {} : { before: `${workspace.source}/${path}` }), ...(after === undefined ? {} : { after: `${workspace.upper}/${path}` }) })), currentSettings().path);
}

/** Brings kept changes into the folder, then drops the overlay. @throws CellError `workspace.conflict` | `workspace.failed` | `run.unknown` */
export function applyKept(state: StateFolder, run: RunEntry, helperPath: string): WorkspaceDocument {
  const { kept, upper, ...document } = workspaceOf(state, run);
  if (!kept) throw new CellError('run.unknown', `Cannot apply the changes of run ${run.runId}: ${document.changes.length === 0 ? 'there are none' : 'they were applied already, or removed'}`, { facts: { runId: run.runId } });
  openOverlay({ source: document.source, upper, helper: helperPath }).apply(document.changes);
  rmSync(state.overlayOf(run.runId), { recursive: true, force: true });
  return document;
}


/** `cellos diff` and `cellos apply`: what a run left in its workspace overlay. */
import { CellError, EXIT } from '../../base/errors.ts';
import { helperPath, StateFolder } from '../../compose/local.ts';
import { applyKept, workspaceOf, workspacePatch } from '../../compose/workspace.ts';
import { currentSettings } from '../../config/env.ts';
import { changeLine, countChanges, workspaceDocumentBytes } from '../../core/workspace/changes.ts';
import type { ParsedArgs } from '../command.ts';
import { standardOutput } from '../output.ts';

function runOf(args: ParsedArgs, command: string): { state: StateFolder; id: string } {
  const [id, ...more] = args.positionals;
  if (id === undefined || more.length > 0) throw new CellError('usage.invalid', `Cannot tell which run is meant: write cellos ${command} RUN; cellos ps lists them`);
  return { state: new StateFolder(currentSettings().stateDir), id };
}

async function diff(args: ParsedArgs): Promise<number> {
  const { state, id } = runOf(args, 'diff');
  const workspace = workspaceOf(state, state.resolve(id));
  if (args.flag('json')) await standardOutput(currentSettings()).write(`${Buffer.from(workspaceDocumentBytes(workspace)).toString('utf8')}\n`);
  else if (args.flag('patch')) await standardOutput(currentSettings()).write(await workspacePatch(workspace));
  else await standardOutput(currentSettings()).write(workspace.changes.map((change) => `${changeLine(change)}\n`).join(''));
  return EXIT.ok;
}

async function apply(args: ParsedArgs): Promise<number> {
  const { state, id } = runOf(args, 'apply');
  const document = applyKept(state, state.resolve(id), helperPath());
  const { added, modified, deleted } = countChanges(document.changes);
  if (args.flag('json')) await standardOutput(currentSettings()).write(`${JSON.stringify({ v: 1, source: document.source, applied: true, added, modified, deleted })}\n`);
  else await standardOutput(currentSettings()).write(`${added} added, ${modified} modified, ${deleted} deleted in ${document.source}\n`);
  return EXIT.ok;
}

export const diffCommandLine = { execute: diff };
export const applyCommandLine = { execute: apply };

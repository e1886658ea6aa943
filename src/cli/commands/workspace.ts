/** `cellos diff` and `cellos apply`: what a run left in its workspace overlay. */
import { concatBytes, utf8 } from '../../base/bytes.ts';
import { CellError, EXIT } from '../../base/errors.ts';
import { helperPath, StateFolder } from '../../compose/local.ts';
import { applyKept, workspaceOf, workspacePatch } from '../../compose/workspace.ts';
import { currentSettings } from '../../config/env.ts';
import { changeLine, countChanges, workspaceDocumentBytes } from '../../core/workspace/changes.ts';
import type { ParsedArgs } from '../command.ts';
import { standardOutput } from '../output.ts';
import { visible, visibleLines } from '../render.ts';

function runOf(args: ParsedArgs, command: string): { state: StateFolder; id: string } {
  const [id, ...more] = args.positionals;
  if (id === undefined || more.length > 0) throw new CellError('usage.invalid', `Cannot tell which run is meant: write cellos ${command} RUN; cellos ps lists them`);
  return { state: new StateFolder(currentSettings().stateDir), id };
}

async function diff(args: ParsedArgs): Promise<number> {
  const { state, id } = runOf(args, 'diff');
  const workspace = workspaceOf(state, state.resolve(id));
  const out = standardOutput(currentSettings());
  if (args.flag('json')) await out.write(concatBytes([workspaceDocumentBytes(workspace), utf8('\n')]));
  else if (args.flag('patch')) {
    const patch = await workspacePatch(workspace);
    // A pipe gets the bytes, to apply them; a terminal is shown text the command chose.
    await out.write(out.terminal ? visibleLines(new TextDecoder('utf-8', { ignoreBOM: true }).decode(patch)) : patch);
  } else await out.lines(workspace.changes.map((change) => visible(changeLine(change))));
  return EXIT.ok;
}

async function apply(args: ParsedArgs): Promise<number> {
  const { state, id } = runOf(args, 'apply');
  const document = applyKept(state, state.resolve(id), helperPath());
  const { added, modified, deleted } = countChanges(document.changes);
  const out = standardOutput(currentSettings());
  if (args.flag('json')) await out.json({ v: 1, source: document.source, applied: true, added, modified, deleted });
  else await out.lines([`${added} added, ${modified} modified, ${deleted} deleted in ${visible(document.source)}`]);
  return EXIT.ok;
}

export const diffCommandLine = { execute: diff };
export const applyCommandLine = { execute: apply };

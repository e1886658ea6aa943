/** Contract of `ports/workspace.ts`. The subject is a folder with `a` (text "one"), `sub/b` (text "two"), and an overlay over it. */
import assert from 'node:assert/strict';
import { countChanges } from '../../core/workspace/changes.ts';
import type { WorkspaceOverlay } from '../../ports/workspace.ts';
import { type ContractCase, rejects } from './contract.ts';

export interface WorkspaceHarness {
  readonly overlay: WorkspaceOverlay;
  /** As a command of the cell does. */
  write(path: string, text: string): void;
  remove(path: string): void;
  makeSpecial(path: string): void;
  /** As somebody else on the host does. */
  writeBehind(path: string, text: string): void;
  /** Text of a file of the folder, undefined when there is none. */
  textOf(path: string): string | undefined;
  dispose(): void;
}

export function workspaceContract(make: () => WorkspaceHarness): ContractCase[] {
  const using = (name: string, work: (subject: WorkspaceHarness) => Promise<void>): ContractCase => ({
    name,
    run: async () => {
      const subject = make();
      try {
        await work(subject);
      } finally {
        subject.dispose();
      }
    },
  });
  return [
    using('an untouched overlay has no changes', async ({ overlay }) => {
      assert.deepEqual(await overlay.changes(), []);
    }),
    using('changes() lists what is new, other and gone, sorted, and the folder stays as it is', async (subject) => {
      subject.write('a', 'changed');
      subject.write('new', 'n');
      subject.remove('sub/b');
      const changes = await subject.overlay.changes();
      assert.deepEqual(changes.map((change) => change.path), ['a', 'new', 'sub/b']);
      assert.deepEqual(countChanges(changes), { added: 1, modified: 1, deleted: 1 });
      assert.equal(subject.textOf('a'), 'one');
      assert.equal(subject.textOf('sub/b'), 'two');
    }),
    using('a file written with the same bytes is no change', async (subject) => {
      subject.write('a', 'one');
      assert.deepEqual(await subject.overlay.changes(), []);
    }),
    using('apply() brings all of it into the folder', async (subject) => {
      subject.write('a', 'changed');
      subject.write('new', 'n');
      subject.remove('sub/b');
      subject.overlay.apply(await subject.overlay.changes());
      assert.equal(subject.textOf('a'), 'changed');
      assert.equal(subject.textOf('new'), 'n');
      assert.equal(subject.textOf('sub/b'), undefined);
    }),
    using('apply() writes nothing when the folder has moved on', async (subject) => {
      subject.write('a', 'changed');
      subject.write('new', 'n');
      const changes = await subject.overlay.changes();
      subject.writeBehind('a', 'somebody else');
      await rejects((async () => subject.overlay.apply(changes))(), 'workspace.conflict');
      assert.equal(subject.textOf('new'), undefined);
      assert.equal(subject.textOf('a'), 'somebody else');
    }),
    using('apply() writes nothing when something is no file, folder or symlink', async (subject) => {
      subject.write('new', 'n');
      subject.makeSpecial('queue');
      const changes = await subject.overlay.changes();
      await rejects((async () => subject.overlay.apply(changes))(), 'workspace.conflict');
      assert.equal(subject.textOf('new'), undefined);
    }),
  ];
}

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../base/bytes.ts';
import { changeLine, countChanges, parseWorkspaceDocument, type WorkspaceChange, type WorkspaceDocument, workspaceDocumentBytes } from './changes.ts';

const file = { kind: 'file', sizeBytes: 3, digest: `sha256:${'a'.repeat(64)}`, mode: 0o644 } as const;
const CHANGES: WorkspaceChange[] = [
  { path: 'new', after: file },
  { path: 'old', before: file },
  { path: 'other', before: file, after: { ...file, mode: 0o755 } },
  { path: 'folder', after: { kind: 'directory' } },
  { path: 'link', before: { kind: 'directory' }, after: { kind: 'symlink', target: '/etc/passwd' } },
  { path: 'queue', after: { kind: 'special' } },
];
const DOCUMENT: WorkspaceDocument = { source: '/folder', changes: CHANGES };

describe('workspace.json', () => {
  it('is read as it was written', () => {
    expect(parseWorkspaceDocument(workspaceDocumentBytes(DOCUMENT))).toEqual(DOCUMENT);
  });

  it.each([
    '[]',
    '{"v":2,"source":"/","changes":[]}',
    '{"v":1,"changes":[]}',
    '{"v":1,"source":"/","changes":{}}',
    '{"v":1,"source":"/","changes":[7]}',
    '{"v":1,"source":"/","changes":[{"after":null}]}',
    '{"v":1,"source":"/","changes":[{"path":"a","after":"file"}]}',
    '{"v":1,"source":"/","changes":[{"path":"a","after":{"kind":"device"}}]}',
    '{"v":1,"source":"/","changes":[{"path":"a","after":{"kind":"symlink"}}]}',
    '{"v":1,"source":"/","changes":[{"path":"a","after":{"kind":"file","sizeBytes":1,"mode":420,"digest":"sha256:short"}}]}',
  ])('%s is refused', (text) => {
    expect(() => parseWorkspaceDocument(utf8(text))).toThrow(expect.objectContaining({ code: 'document.invalid' }));
  });

  it('says in one line what a change is, and counts', () => {
    expect(CHANGES.map(changeLine)).toEqual(['A new', 'D old', 'M other', 'A folder/', 'M link', '! queue']);
    expect(countChanges(CHANGES)).toEqual({ added: 3, modified: 2, deleted: 1 });
  });
});

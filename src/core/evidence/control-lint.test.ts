import { describe, expect, it } from 'vitest';
import { lintControls } from './control-lint.ts';

const entry = { controlId: 'AC-4', status: 'implemented', narrative: 'n', codeSeams: ['src/a.ts:12'], provingEventTypes: ['x'], provingTests: ['t/a'] };
const there = new Set(['src/a.ts', 't/a', '', 'src/../t/a']);
const lint = (catalogue: unknown, findings: readonly { message: string; pointer: string }[] = []) => lintControls(catalogue as never, { schemaFindings: () => findings, exists: (path) => there.has(path) }).map(({ rule, entry: name }) => `${name} ${rule}`);

describe('lintControls()', () => {
  it('has nothing to say of a whole entry, nor of none', () => {
    expect([lint([]), lint([entry]), lint([{ ...entry, enforcementBinding: 'linux-nftables', degradedBindingNote: 'n' }])]).toEqual([[], [], []]);
    expect(lint([{ ...entry, codeSeams: ['', 'src/../t/a'] }])).toEqual([]);
  });

  it('finds paths that lead nowhere, or out of the tree [CL2]', () => {
    expect(lint([{ ...entry, codeSeams: ['nope:3', 'src/a.ts'], provingTests: ['t/b', 't/a'] }])).toEqual(['AC-4 code-seam', 'AC-4 proving-test']);
    there.add('../etc/passwd').add('/etc/passwd').add('a/../../b');
    expect(lint([{ ...entry, codeSeams: ['../etc/passwd', '/etc/passwd', 'a/../../b'] }])).toHaveLength(3);
  });

  it('finds what is called implemented and proves nothing', () => {
    const bare = { controlId: 'AU-10', status: 'implemented', narrative: 'n' };
    expect(lint([bare])).toEqual(['AU-10 no-event-types', 'AU-10 no-tests']);
    expect(lint([{ ...bare, status: 'planned' }])).toEqual([]);
    expect(lint([{ ...entry, enforcementBinding: 'linux-nftables', degradedBindingNote: ' ' }])).toEqual(['AC-4 no-degraded-note']);
    expect(lint([{ ...entry, status: 'planned', enforcementBinding: 'linux-nftables' }])).toEqual([]);
  });

  it('tells what the schema finds first, of every entry [CL1]', () => {
    const finding = [{ message: 'is wrong', pointer: '/status' }];
    expect(lint([{ ...entry, provingTests: [] }, entry], finding)).toEqual(['AC-4 schema', 'AC-4 schema', 'AC-4 no-tests']);
    expect(lintControls([entry as never], { schemaFindings: () => finding, exists: () => true })).toEqual([{ rule: 'schema', entry: 'AC-4', message: '/status is wrong' }]);
  });

  it.each([[{}], ['x'], [[{ status: 'planned' }]]])('refuses what is no catalogue: %j', (value) => {
    expect(() => lint(value)).toThrow(expect.objectContaining({ code: 'document.invalid' }));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CellError } from '../base/errors.ts';
import { closest } from './closest.ts';
import { parseCommandArgs } from './command.ts';
import { COMMANDS } from './commands.ts';
import { COMPLETIONS } from './complete.ts';
import { errorLines } from './render-error.ts';

const run = COMMANDS.find((command) => command.name === 'run');

describe('the table of commands', () => {
  it('loads each of them, and each can be executed', async () => {
    for (const command of COMMANDS) expect(typeof (await command.load()).execute).toBe('function');
  });

  it('is whole: no name twice, no option twice', () => {
    expect(new Set(COMMANDS.map((command) => command.name)).size).toBe(COMMANDS.length);
    for (const command of COMMANDS) {
      const flags = command.options.flatMap((option) => [option.name, option.short].filter((name) => name !== undefined));
      expect(new Set(flags).size, command.name).toBe(flags.length);
    }
  });

  it('every completion knows every command and option', () => {
    for (const make of Object.values(COMPLETIONS)) {
      const script = make(COMMANDS);
      for (const command of COMMANDS) for (const option of command.options) expect(script).toContain(option.name);
    }
  });
});

describe('parseCommandArgs()', () => {
  it('suggests the option that was meant', () => {
    expect(() => parseCommandArgs(run as never, ['--memroy', '1G'])).toThrow(/no option --memroy; did you mean --memory\?/);
    expect(() => parseCommandArgs(run as never, ['--ttl'])).toThrow(/--ttl/);
  });

  it('takes what stands after -- as it is', () => {
    fc.assert(fc.property(fc.array(fc.string()), (argv) => void expect(parseCommandArgs(run as never, ['-q', '--', ...argv]).rest).toEqual(argv)));
  });
});

describe('closest()', () => {
  it('knows a slip from another word', () => {
    const names = COMMANDS.map((command) => command.name);
    expect(closest('veryfy', names)).toBe('verify');
    expect(closest('doc', names)).toBe('doctor');
    expect(closest('pss', names)).toBe('ps');
    expect(closest('frobnicate', names)).toBeUndefined();
  });
});

describe('errorLines()', () => {
  it('gives each refused thing its reason and its option; what a host lacks has no option', () => {
    const error = new CellError('plan.unsatisfiable', 'Cannot run the cell as asked: a; b', {
      facts: { items: ['limit.memory', 'host.bubblewrap'], asked: ['512 MiB', 'bubblewrap'], weaker: ['no limit', 'no cell'], reasons: ['No group is writable: run as root', 'bwrap is not on PATH'] },
    });
    expect(errorLines(error)).toEqual([
      'cellos: Cannot run the cell as asked; nothing was run. This host cannot enforce or provide 2 things:',
      '  limit.memory: asked 512 MiB',
      '    No group is writable: run as root',
      '    To go on without it, with no limit: --allow-downgrade limit.memory',
      '  host.bubblewrap: asked bubblewrap',
      '    bwrap is not on PATH',
    ]);
  });

  it('gives each violation, each issue and each candidate a line, and obeys none', () => {
    expect(errorLines(new CellError('policy.refused', 'Cannot admit the document: one; two', { facts: { reasons: ['one', 'two'] } }))).toEqual(['cellos: Cannot admit the document:', '  one', '  two']);
    expect(errorLines(new CellError('spec.invalid', 'Cannot read it:\nspec.a: wrong\nspec.b: \u001b[2Jworse'))).toEqual(['cellos: Cannot read it:', '  spec.a: wrong', '  spec.b: \\x1b[2Jworse']);
    expect(errorLines(new CellError('secret.missing', 'Cannot get secret "A": the variable A is not set', { facts: { ref: 'A' } }))[1]).toContain('--secret A=file:/path');
    expect(errorLines(new CellError('run.unknown', 'Cannot tell which', { facts: { candidates: ['01a', '01b'] } }))).toEqual(['cellos: Cannot tell which', '  01a', '  01b']);
  });
});

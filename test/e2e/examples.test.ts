import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { endStarted } from '../end-started.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-examples-`);
afterAll(async () => {
  await endStarted([], [`${root}/state`]); // an example that took too long was killed
  rmSync(root, { recursive: true, force: true });
}, 60_000);

/** What each example has to say, line by line; a pattern where the line changes from run to run. */
const SAID: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'exec.ts': ['hello from cell, I am cell', 'exit 3: cannot do it', 'signalled by SIGKILL, exit 137', /touch: .*Read-only file system/, /^interfaces: +lo$/, 'BYTES, TEXT OR ANY ASYNC SOURCE'],
  'spawn.ts': [/^pid \d+ in the cell$/, '6 7 -> 42', '12 12 -> 144', 'ended: exited', 'read enough, then it got SIGPIPE'],
  'files.ts': ['1 2 3', /^file +6 {2}sorted.txt$/, /^directory +\d+ {2}src$/, /^symlink +\d+ {2}trap$/, 'file.refused: Cannot read "/work/trap" in the cell: a part of the path is a symlink', 'streamed 3000000 bytes'],
  'export.ts': [/^report\/report.txt: 16 bytes, sha256:[0-9a-f]{64}$/, '42 tests passed'],
  'verify.ts': [/^namespace.pid: .*kernel pid namespace/, /^clean {2}pid-namespace$/, 'closed, residue: 0', /^complete: \d+ records, head sha256:[0-9a-f]{64}$/],
  'secrets.ts': ['the token has 21 characters', 'DEPLOY_TOKEN: minted', 'DEPLOY_TOKEN: used', 'DEPLOY_TOKEN: revoked'],
  'parallel.ts': [/^red: sees note and \d processes$/, /^blue: sees note and \d processes$/, process.geteuid?.() === 0 ? 'host users: 3' : 'host users: 1', 'gone without residue: 3 of 3'],
  'cancel.ts': ['timed-out, exit 124: the command took longer than 100 ms', 'cancelled: the caller gave the command up', 'timed-out: the time to live of the cell was over', 'cell.closed', 'the cell: timed-out'],
  'events.ts': [/^ 0 {2}host {4}evidence.v1.genesis$/, /process_spawned$/, /command.v1.completed$/, /file.v1.touched$/, /teardown.v1.certificate$/, /evidence.v1.sealed$/],
};

it('every example is run here', () => {
  expect(readdirSync('examples').filter((name) => name.endsWith('.ts')).sort()).toEqual(Object.keys(SAID).sort());
});

for (const [name, said] of Object.entries(SAID)) {
  it(`examples/${name} says what it should`, async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=cellos-source', `examples/${name}`], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state` }, timeout: 30_000 });
    expect(stderr).toBe('');
    const lines = stdout.split('\n');
    for (const line of said) {
      const at = lines.findIndex((one) => (typeof line === 'string' ? one === line : line.test(one)));
      expect(at, `${line} in:\n${stdout}`).toBeGreaterThanOrEqual(0);
      lines.splice(0, at + 1);
    }
  });
}

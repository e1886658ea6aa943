import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

const root = mkdtempSync(`${tmpdir()}/cellos-workspace-`);
const folder = `${root}/folder`;

afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(`${folder}/sub/deep`, { recursive: true });
  writeFileSync(`${folder}/a`, 'one\n');
  writeFileSync(`${folder}/sub/b`, 'two\n');
  writeFileSync(`${folder}/sub/deep/c`, 'three\n');
  symlinkSync('a', `${folder}/link`);
});

function cellos(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const result = spawnSync('bin/cellos', args, { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state` }, input: '' });
  return { status: result.status, stdout: result.stdout.toString(), stderr: result.stderr.toString() };
}

function change(script: string, options: readonly string[] = []): { id: string; status: number | null; stderr: string } {
  const result = cellos(['run', '--workspace', folder, '--result', `${root}/result.json`, ...options, '--', 'sh', '-c', script]);
  const { runId } = JSON.parse(readFileSync(`${root}/result.json`, 'utf8')) as { runId: string };
  return { id: runId, status: result.status, stderr: result.stderr };
}

const lines = (text: string): string[] => text.trim().split('\n').filter(Boolean);

describe('cellos run --workspace', () => {
  it('leaves the folder alone, and lists what changed', () => {
    const { id } = change('echo changed > a; rm sub/b; rm -r sub/deep; mkdir sub/deep; echo n > sub/deep/new; rm link; mkdir link; touch sub; chmod 700 a');
    expect(readFileSync(`${folder}/a`, 'utf8')).toBe('one\n');
    expect(lines(cellos(['diff', id]).stdout)).toEqual(['M a', 'M link/', 'D sub/b', 'D sub/deep/c', 'A sub/deep/new']);
    expect(cellos(['diff', '--patch', id]).stdout).toContain('-one\n+changed\n');
    expect(cellos(['verify', id]).stdout).toMatch(/^complete/);
  });

  it('applies kept changes once, all of them', () => {
    const { id } = change('printf "#!/bin/sh\\n" > a; chmod 755 a; rm -r sub; mkdir -p new/er; echo n > new/er/f; ln -sfn /etc/passwd link');
    expect(cellos(['apply', id]).status).toBe(0);
    expect(readFileSync(`${folder}/a`, 'utf8')).toBe('#!/bin/sh\n');
    expect(statSync(`${folder}/a`).mode & 0o7777).toBe(0o755);
    expect(existsSync(`${folder}/sub`)).toBe(false);
    expect(readFileSync(`${folder}/new/er/f`, 'utf8')).toBe('n\n');
    expect(readlinkSync(`${folder}/link`)).toBe('/etc/passwd');
    expect(lstatSync(`${folder}/new`).uid).toBe(lstatSync(folder).uid);
    const again = cellos(['apply', id]);
    expect(again.status).not.toBe(0);
    expect(again.stderr).toContain('applied already');
  });

  it('refuses the whole when the folder has moved on, and says where [L2]', () => {
    const { id } = change('echo changed > a; echo new > fresh; rm -r sub');
    writeFileSync(`${folder}/a`, 'somebody else was here\n');
    writeFileSync(`${folder}/sub/later`, '');
    const refused = cellos(['apply', id]);
    expect(refused.stderr).toContain('a is not what it was when the command ran');
    expect(refused.stderr).toContain('sub/later is new, in a folder that is to go');
    expect(existsSync(`${folder}/fresh`)).toBe(false);
    writeFileSync(`${folder}/a`, 'one\n');
    rmSync(`${folder}/sub/later`);
    expect(cellos(['apply', id]).status).toBe(0);
    expect(readFileSync(`${folder}/fresh`, 'utf8')).toBe('new\n');
  });

  it('never writes through a symlink that was put in the way [L2]', () => {
    const { id } = change('echo x > sub/planted');
    rmSync(`${folder}/sub`, { recursive: true });
    mkdirSync(`${root}/elsewhere`, { recursive: true });
    symlinkSync(`${root}/elsewhere`, `${folder}/sub`);
    expect(cellos(['apply', id]).stderr).toContain('sub is no longer a folder');
    expect(existsSync(`${root}/elsewhere/planted`)).toBe(false);
  });

  it('brings over nothing but files, folders and symlinks [L1]', () => {
    const { id } = change('mkfifo queue; echo fine > file');
    expect(lines(cellos(['diff', id]).stdout)).toEqual(['A file', '! queue']);
    expect(cellos(['apply', id]).stderr).toContain('queue is neither a file, a folder nor a symlink');
    expect(existsSync(`${folder}/file`)).toBe(false);
  });

  it('shows names that the command chose, and obeys nothing of them; JSON has them as they are', () => {
    const names = ['esc\u001b[2J', 'line\nM forged', 'bidi\u202egpj', 'c1\u009b'];
    const { id } = change(names.map((name) => `echo x > '${name}'`).join('; '));
    expect(lines(cellos(['diff', id]).stdout)).toEqual(['A bidi\\u202egpj', 'A c1\\x9b', 'A esc\\x1b[2J', 'A line\\nM forged']);
    const { changes } = JSON.parse(cellos(['diff', '--json', id]).stdout) as { changes: { path: string }[] };
    expect(changes.map(({ path }) => path).toSorted()).toEqual(names.toSorted());
    for (const name of names) writeFileSync(`${folder}/${name}`, 'in the way\n');
    const refused = cellos(['apply', id]).stderr;
    expect(refused).toContain('line\\nM forged is ');
    expect(lines(refused)).toHaveLength(1);
    expect(refused).not.toMatch(/[\u001b\u009b\u202e]/);
  });

  it('prints a patch that changes these files and no other, whatever their names, and shows it to a terminal', () => {
    const forged = 'line\n--- a/victim\n+++ b/victim\n@@ -1 +1 @@\n-one\n+forged\n';
    writeFileSync(`${folder}/victim`, 'one\n');
    const { id } = change(`printf 'a\\033[2Jb\\n' > a; echo x > "$(printf 'esc\\033"')"; mkdir -p "${forged}"; echo x > "${forged}/f"`);
    const patch = cellos(['diff', '--patch', id]).stdout;
    expect(patch).toContain('+a\u001b[2Jb\n');
    expect(patch).toContain('+++ "b/esc\\033\\""\n');
    const terminal = spawnSync('script', ['-qec', `bin/cellos diff --patch ${id}`, '/dev/null'], { env: { PATH: process.env['PATH'], CELLOS_STATE_DIR: `${root}/state`, TERM: 'xterm' }, input: '' }).stdout.toString();
    expect(terminal).toContain('+a\\x1b[2Jb');
    expect(terminal).not.toContain('\u001b[2J');
    expect(spawnSync('git', ['apply', '-p1'], { cwd: folder, env: { PATH: process.env['PATH'], GIT_CEILING_DIRECTORIES: root }, input: patch }).stderr.toString()).toBe('');
    expect(readFileSync(`${folder}/victim`, 'utf8')).toBe('one\n');
    expect(readFileSync(`${folder}/esc\u001b"`, 'utf8')).toBe('x\n');
  });

  it('--apply brings the changes in when the command succeeds, and only then', () => {
    expect(change('echo changed > a', ['--apply']).status).toBe(0);
    expect(readFileSync(`${folder}/a`, 'utf8')).toBe('changed\n');
    const failed = change('echo worse > a; exit 3', ['--apply']);
    expect(failed.status).toBe(3);
    expect(readFileSync(`${folder}/a`, 'utf8')).toBe('changed\n');
    expect(lines(cellos(['diff', failed.id]).stdout)).toEqual(['M a']);
  });
});

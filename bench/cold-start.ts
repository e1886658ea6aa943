/**
 * What a newcomer feels: the whole process of `cellos run -- true`, as installed, against a bare Node, a bare bubblewrap and a peer.
 *
 * Not measured: a cold disk cache; the first run ever, which also makes keys and the code cache.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { command, inTurns, line } from './pairs.ts';

const PEER = '@anthropic-ai/sandbox-runtime@0.0.83';
const PEER_NEEDS = ['socat', 'rg', 'bwrap'];

/** The peer, installed apart from the project: nothing of it is a dependency. @returns undefined and why not, when it cannot be had */
function peer(root: string, path: string): { srt: string } | { missing: string } {
  const absent = PEER_NEEDS.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`], { env: { PATH: path } }).status !== 0);
  if (absent.length > 0) return { missing: `it needs ${absent.join(', ')} (packages socat, ripgrep, bubblewrap)` };
  const folder = `${root}/build/bench/peer`;
  const srt = `${folder}/node_modules/.bin/srt`;
  if (!existsSync(srt)) {
    mkdirSync(folder, { recursive: true });
    const installed = spawnSync('npm', ['install', '--prefix', folder, '--no-save', '--no-fund', '--no-audit', PEER], { env: { ...process.env, PATH: path } });
    if (installed.status !== 0) return { missing: `${PEER} could not be installed` };
  }
  return { srt };
}

/** What a careful caller of bubblewrap would write by hand: the same namespaces and drops, no limits, no filter, no evidence. */
export const BARE_BWRAP = ['bwrap', '--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent', '--new-session', '--clearenv', '--setenv', 'PATH', '/usr/bin:/bin', '--uid', '1000', '--gid', '1000', '--cap-drop', 'ALL', '--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', '/work', '--chdir', '/work', '--'];

export async function measure(options: { root: string; program: readonly string[]; pairs: number; print: (text: string) => void }): Promise<void> {
  const { root, program, pairs, print } = options;
  const state = mkdtempSync(`${tmpdir()}/cellos-bench-`);
  const path = `${process.execPath.slice(0, process.execPath.lastIndexOf('/'))}:${process.env['PATH'] ?? '/usr/bin:/bin'}`;
  const env = { PATH: path, CELLOS_STATE_DIR: `${state}/state`, HOME: state };
  const ours = command([...program, 'run', '--quiet', '--', 'true'], env);
  try {
    print(line(await inTurns('cold cellos run -- true / node -e 0', pairs, ours, command([process.execPath, '-e', '0'], env)), 'at most 2.5×'));
    print(line(await inTurns('cold cellos run -- true / bare bwrap … true', pairs, ours, command([...BARE_BWRAP, 'true'], env))));
    print(line(await inTurns('cold cellos --version / node -e 0', pairs, command([...program, '--version'], env), command([process.execPath, '-e', '0'], env))));
    const found = peer(root, path);
    if ('missing' in found) print(`cold cellos run -- true / srt -- true: not measured, ${found.missing}`);
    else print(line(await inTurns('cold cellos run -- true / srt -- true', Math.ceil(pairs / 3), ours, command([found.srt, '--', 'true'], env)), 'at most 0.25×'));
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
}

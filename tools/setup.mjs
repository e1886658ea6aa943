// Brings what is missing: Node 24, packages, Debian's bubblewrap and a C compiler, the cell helper. Plain JavaScript for the Node that is here.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const NODE = '24.21.0';
const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
export const nodeBin = `${root}.tools/node_modules/node-linux-${arch}/bin`;
const run = (program, args, env = process.env) => execFileSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env });

/** A static program of native/, made again when a source is newer. */
function buildNative(name, sources, header) {
  const paths = sources.map((source) => `native/${source}`);
  const target = `${root}build/native/${name}`;
  const newest = Math.max(...[...paths, `native/${header}`].map((path) => statSync(root + path).mtimeMs));
  if (existsSync(target) && statSync(target).mtimeMs >= newest) return;
  console.log(`Building ${name} …`);
  mkdirSync(`${root}build/native`, { recursive: true });
  run('gcc', ['-O2', '-static', '-Wall', '-Wextra', '-Werror', '-o', target, ...paths]);
}

export function setup() {
  if (!existsSync(`${nodeBin}/node`)) {
    console.log(`Fetching Node ${NODE} …`);
    mkdirSync(`${root}.tools`, { recursive: true });
    run('npm', ['install', '--prefix', `${root}.tools`, '--no-save', '--no-fund', '--no-audit', `node-linux-${arch}@${NODE}`]);
  }
  const env = { ...process.env, PATH: `${nodeBin}:${process.env.PATH}` };
  if (!existsSync(`${root}node_modules/vitest`)) {
    console.log('Installing packages …');
    run('npm', ['ci', '--no-fund', '--no-audit'], env);
  }
  const missing = [];
  const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  if (!has('bwrap')) missing.push('bubblewrap');
  if (!has('gcc')) missing.push('gcc');
  if (!existsSync('/usr/include/stdio.h')) missing.push('libc6-dev');
  if (missing.length > 0) {
    if (process.geteuid() !== 0) {
      console.error(`Missing: ${missing.join(', ')}. Run: sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`);
      process.exit(1);
    }
    console.log(`Installing ${missing.join(', ')} …`);
    run('apt-get', ['update', '-q']);
    run('apt-get', ['install', '-yq', '--no-install-recommends', ...missing]);
  }
  buildNative('cellos-cell', ['cell.c', 'launch.c', 'init.c', 'secret.c'], 'cell.h');
  buildNative('cellos-attack', ['attack.c', 'attack-calls.c', 'attack-processes.c', 'attack-sockets.c', 'attack-resources.c'], 'attack.h');
  return env;
}

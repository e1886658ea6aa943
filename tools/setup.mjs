// Brings what is missing: Node 24, packages, Debian's bubblewrap and a C compiler, the cell helper. Plain JavaScript for the Node that is here.
//   U1  what is there already is left alone, so that a second start costs nothing;
//   U2  what may not be done here (not root, no apt) ends with the one command to run;
//   U3  a file appears whole or not at all: another start may be using the one before.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const NODE = '24.21.0';
const NODE_MAJOR_MIN = 24;
const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
const ownNode = `${root}.tools/node_modules/node-linux-${arch}/bin`;

/** The folder of the Node this project runs on: our own copy, else the one running this when it is new enough. Valid after `setup()`. */
export const nodeBin = !existsSync(`${ownNode}/node`) && Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN ? dirname(process.execPath) : ownNode;

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(program, args, { env = process.env, failed }) {
  try {
    execFileSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env });
  } catch (error) {
    fail(`${failed} (${program}: ${error.status === undefined || error.status === null ? error.message : `exit ${error.status}`})`);
  }
}

function bringNode() {
  if (existsSync(`${nodeBin}/node`)) return;
  console.log(`Fetching Node ${NODE} …`);
  mkdirSync(`${root}.tools`, { recursive: true });
  run('npm', ['install', '--prefix', `${root}.tools`, '--no-save', '--no-fund', '--no-audit', '--loglevel=error', `node-linux-${arch}@${NODE}`], { failed: `Cannot fetch Node ${NODE} from the npm registry. Install Node ${NODE_MAJOR_MIN} or newer yourself and start again` });
}

/** Tells bin/ which Node this clone runs on, whatever PATH it is started with. */
function linkNode() {
  const link = `${root}.tools/node`;
  const target = nodeBin === ownNode ? `node_modules/node-linux-${arch}/bin/node` : `${nodeBin}/node`;
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return;
  mkdirSync(`${root}.tools`, { recursive: true });
  symlinkSync(target, `${link}.${process.pid}`);
  renameSync(`${link}.${process.pid}`, link);
}

/** npm writes node_modules/.package-lock.json last: an interrupted or older installation does not agree with ours. */
function packagesAreCurrent() {
  const installed = `${root}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const packagesOf = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
  const there = packagesOf(installed);
  return Object.entries(packagesOf(`${root}package-lock.json`)).every(([path, wanted]) => path === '' || (there[path] === undefined ? wanted.optional === true || wanted.devOptional === true : there[path].version === wanted.version));
}

function bringPackages(env) {
  if (packagesAreCurrent()) return;
  console.log('Installing packages …');
  // With our Node first on PATH: npm drops optional packages that do not fit the Node it runs on.
  run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], { env, failed: 'Cannot install the packages of package-lock.json' });
}

const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

function bringSystemPackages() {
  const missing = [];
  if (!has('bwrap')) missing.push('bubblewrap');
  if (!has('gcc')) missing.push('gcc');
  if (!existsSync('/usr/include/stdio.h')) missing.push('libc6-dev');
  if (missing.length === 0) return;
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!has('apt-get')) fail(`Missing: ${missing.join(', ')}. Install them with the package manager of this system, and start again`);
  if (process.geteuid() !== 0) fail(`Missing: ${missing.join(', ')}. Run: sudo ${install}`);
  console.log(`Installing ${missing.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-q'], { env, failed: `Cannot refresh the package lists. When apt works again, run: ${install}` });
  run('apt-get', ['install', '-yq', '--no-install-recommends', ...missing], { env, failed: `Cannot install what is missing. When apt works again, run: ${install}` });
}

/** Debian's NATS server for the tests, unpacked beside our Node: installed, it would start as a service of this machine. */
export function bringTestServers(env) {
  const target = `${root}.tools/nats`;
  if (existsSync(target)) return;
  console.log('Fetching nats-server for the tests …');
  const fresh = mkdtempSync(`${root}.tools/fetch-`);
  const download = () => spawnSync('apt-get', ['download', '-q', 'nats-server'], { cwd: fresh, env, stdio: ['ignore', 'inherit', 'pipe'] });
  let fetched = download();
  if (fetched.status !== 0 && process.geteuid() === 0) {
    run('apt-get', ['update', '-q'], { env, failed: 'Cannot refresh the package lists' });
    fetched = download();
  }
  const [file] = readdirSync(fresh);
  if (file === undefined) fail(`Cannot fetch Debian's nats-server, which the tests need: ${fetched.error?.message ?? fetched.stderr}. Run: sudo apt-get update`);
  run('dpkg-deb', ['-x', `${fresh}/${file}`, `${fresh}/unpacked`], { env, failed: 'Cannot unpack nats-server' });
  renameSync(`${fresh}/unpacked`, target);
  rmSync(fresh, { recursive: true });
}

/** The static programs of native/: what each is called, which sources are its own, and the flags it needs. */
const NATIVE = [
  { name: 'cellos-cell', what: 'the cell helper', own: (file) => !file.startsWith('attack') },
  { name: 'cellos-attack', what: 'the attack program', own: (file) => file.startsWith('attack') },
];

/** Compiles the static programs for this machine that are older than their sources. */
export function buildNative({ force = false } = {}) {
  for (const { name, what, own } of NATIVE) {
    const files = readdirSync(`${root}native`).filter(own).sort().map((file) => `native/${file}`);
    const target = `${root}build/native/${name}`;
    const newest = Math.max(...files.map((file) => statSync(root + file).mtimeMs));
    if (!force && existsSync(target) && statSync(target).mtimeMs >= newest) continue;
    console.log(`Building ${what} …`);
    mkdirSync(dirname(target), { recursive: true });
    const fresh = `${target}.${process.pid}`;
    run('gcc', ['-O2', '-static', '-Wall', '-Wextra', '-Werror', '-o', fresh, ...files.filter((file) => file.endsWith('.c'))], { failed: `Cannot compile ${what} from native/` });
    renameSync(fresh, target);
  }
}

/** Bundles the programs of this clone, when they are older than their sources. */
function buildPrograms(env) {
  const built = statSync(`${root}build/programs/cellos.cjs`, { throwIfNoEntry: false });
  const newer = built === undefined || spawnSync('find', ['src', 'tools/programs.ts', 'package.json', 'build/native', '-newer', 'build/programs/cellos.cjs', '-print', '-quit'], { cwd: root }).stdout.length > 0;
  if (newer) run(`${nodeBin}/node`, ['tools/programs.ts'], { env, failed: 'Cannot bundle the programs' });
}

/** @returns the environment for everything that comes after: our Node is first on PATH. */
export function setup() {
  if (process.platform !== 'linux') fail('CellOS runs on Linux: cells are made of its namespaces');
  bringNode();
  linkNode();
  const env = { ...process.env, PATH: `${nodeBin}:${process.env.PATH}` };
  bringPackages(env);
  bringSystemPackages();
  buildNative();
  buildPrograms(env);
  return env;
}

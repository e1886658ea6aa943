'use strict';
/**
 * Starts a bundled program from compiled code. Plain CommonJS, placed beside each bundle as it is (tools/programs.ts fills in the names): a
 * program of two hundred small modules spends most of a short run compiling itself.
 *
 *   LD1 what is read from the cache is run, so it lies in a folder nobody else can write to; without one nothing is cached;
 *   LD2 a cache belongs to one bundle by its digest, one Node and one kind of machine: V8 itself compares no content;
 *   LD3 a cache is never a reason not to run.
 */
const PROGRAM = '__PROGRAM__';
/** Which bundles there are, and the digest of each. */
const BUNDLES = '__BUNDLES__';
const NODE_MAJOR_MIN = 24;

const fs = require('node:fs');
const vm = require('node:vm');

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(`cellos: Cannot run on Node ${process.versions.node}: Node ${NODE_MAJOR_MIN} or newer is needed\n`);
  process.exit(125);
}

const { env } = process;
const root = process.geteuid() === 0;

/** As config/env.ts says it. */
function cacheFolder() {
  if (env.CELLOS_CACHE_DIR) return env.CELLOS_CACHE_DIR;
  if (root) return '/var/cache/cellos';
  if (env.XDG_CACHE_HOME?.startsWith('/')) return `${env.XDG_CACHE_HOME}/cellos`;
  return env.HOME?.startsWith('/') ? `${env.HOME}/.cache/cellos` : undefined;
}

/** A folder of ours that others can neither write to nor replace by name [LD1]. */
function isPrivate(path) {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === process.geteuid() && (stat.mode & 0o022) === 0;
}

const folder = cacheFolder();
const kind = Object.hasOwn(BUNDLES, process.argv[2] ?? '') ? process.argv[2] : 'main';
const ours = `${PROGRAM}-${kind}-`;
const cachePath = folder === undefined ? undefined : `${folder}/compiled/${ours}${BUNDLES[kind]}-${process.version}-${process.arch}`; // LD2
/** Of other versions. More than one may be in use, each clone has its own, but not any number. */
const OTHERS_KEPT = 3;

function readCache() {
  if (cachePath === undefined || !isPrivate(folder) || !isPrivate(`${folder}/compiled`)) return undefined;
  try {
    return fs.readFileSync(cachePath);
  } catch {
    return undefined; // LD3
  }
}

function dropOldest() {
  const compiled = `${folder}/compiled`;
  const others = fs
    .readdirSync(compiled)
    .filter((name) => name.startsWith(ours))
    .map((name) => ({ path: `${compiled}/${name}`, at: fs.statSync(`${compiled}/${name}`).mtimeMs }))
    .filter(({ path }) => path !== cachePath)
    .sort((a, b) => b.at - a.at);
  for (const { path } of others.slice(OTHERS_KEPT)) fs.rmSync(path, { force: true });
}

function writeCache(script) {
  // A run that ended at once has compiled next to nothing.
  if (cachePath === undefined || process.exitCode === 64 || process.argv.includes('--help')) return;
  try {
    fs.mkdirSync(`${folder}/compiled`, { recursive: true, mode: 0o700 });
    if (!isPrivate(folder) || !isPrivate(`${folder}/compiled`)) return;
    const temporary = `${cachePath}.${process.pid}`;
    fs.writeFileSync(temporary, script.createCachedData(), { mode: 0o600, flag: 'wx' });
    fs.renameSync(temporary, cachePath);
    dropOldest();
  } catch {
    // LD3
  }
}

const filename = `${__dirname}/${PROGRAM}-${kind}.cjs`;
const cachedData = readCache();
const script = new vm.Script(`(function (require, __filename) {${fs.readFileSync(filename, 'latin1')}\n})`, { filename, cachedData, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER });
if (cachedData === undefined || script.cachedDataRejected) process.once('exit', () => writeCache(script));
script.runInThisContext()(require, filename);

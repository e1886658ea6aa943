/**
 * Mutation testing of the deciding parts of the core: `npm run mutate [-- PATH …]`. Changes one expression at a time and looks whether a test sees it.
 * Prints the survivors and the share killed of each folder; ends with 1 when a folder is below its share.
 *
 * The mutation tester is installed apart from the project, on the first use: nothing of it is a dependency, and set-up stays quick.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

const VERSION = '10.1.1';
/** Folders, and how many of a hundred mutants their tests have to kill. */
const FOLDERS: Readonly<Record<string, number>> = { 'src/core/authority': 85, 'src/core/policy': 85, 'src/core/signing': 85 };
/** What the tests of the core and the golden vectors need; nothing that starts a process. */
const TESTS = ['src/core/**/*.test.ts', 'tools/vectors/vectors.test.ts'];

const root = new URL('..', import.meta.url).pathname;
const folder = `${root}build/mutate`;

function install(): void {
  if (existsSync(`${folder}/node_modules/@stryker-mutator/vitest-runner`)) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/package.json`, '{"private":true}');
  const made = spawnSync('npm', ['install', '--prefix', folder, '--no-save', '--no-fund', '--no-audit', '--ignore-scripts', `@stryker-mutator/core@${VERSION}`, `@stryker-mutator/vitest-runner@${VERSION}`, `vitest@${versionOf('vitest')}`], { stdio: 'inherit' });
  if (made.status !== 0) throw new Error('The mutation tester could not be installed');
  // One copy of the test runner, or the tests and the tester would not find each other.
  rmSync(`${folder}/node_modules/vitest`, { recursive: true });
  symlinkSync(`${root}node_modules/vitest`, `${folder}/node_modules/vitest`);
}

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8')) as { version: string }).version;
}

interface Mutant {
  readonly status: 'Killed' | 'Survived' | 'NoCoverage' | 'Timeout' | 'CompileError' | 'RuntimeError' | 'Ignored';
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number; readonly column: number }; readonly end: { readonly line: number; readonly column: number } };
}

interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}

function runTester(paths: readonly string[]): Report {
  const report = `${folder}/report.json`;
  rmSync(report, { force: true });
  writeFileSync(`${folder}/vitest.config.mjs`, `export default { test: { include: ${JSON.stringify(TESTS)}, testTimeout: 60000 } };\n`);
  const config = {
    testRunner: 'vitest',
    plugins: [`${folder}/node_modules/@stryker-mutator/vitest-runner/dist/src/index.js`],
    vitest: { configFile: 'build/mutate/vitest.config.mjs' },
    mutate: paths.flatMap((path) => (path.endsWith('.ts') ? [path] : [`${path}/**/*.ts`, `!${path}/**/*.test.ts`])),
    ignorePatterns: ['/build/*', '!/build/mutate', '/build/mutate/*', '!/build/mutate/vitest.config.mjs', '/dist', '/.tools', '/native', '/bench', '/biome.json'],
    tempDirName: `${folder}/work`,
    cleanTempDir: 'always',
    coverageAnalysis: 'perTest',
    concurrency: 2,
    incremental: true,
    incrementalFile: `${folder}/incremental.json`,
    timeoutMS: 20_000,
    reporters: ['progress-append-only', 'json'],
    jsonReporter: { fileName: report },
    disableTypeChecks: false,
    allowEmpty: true,
  };
  writeFileSync(`${folder}/config.json`, JSON.stringify(config, undefined, 2));
  const ran = spawnSync(process.execPath, [`${folder}/node_modules/@stryker-mutator/core/bin/stryker.js`, 'run', `${folder}/config.json`], { cwd: root, stdio: 'inherit' });
  if (!existsSync(report)) throw new Error(`The mutation tester ended with ${ran.status} and without a report`);
  const { files } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  // What earlier runs found stands in there too.
  return { files: Object.fromEntries(Object.entries(files).filter(([file]) => paths.some((path) => file === path || file.startsWith(`${path}/`)))) };
}

const LIVES: ReadonlySet<Mutant['status']> = new Set(['Survived', 'NoCoverage']);
const DIES: ReadonlySet<Mutant['status']> = new Set(['Killed', 'Timeout']);

function survivors(report: Report): string[] {
  return Object.entries(report.files).flatMap(([path, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants
      .filter((mutant) => LIVES.has(mutant.status))
      .map(({ status, mutatorName, replacement, location: { start, end } }) => {
        const was = start.line === end.line ? (lines[start.line - 1] ?? '').slice(start.column - 1, end.column - 1) : `${(lines[start.line - 1] ?? '').slice(start.column - 1)} …`;
        return `${path}:${start.line}:${start.column} ${status === 'NoCoverage' ? 'untested' : 'survived'} ${mutatorName}: ${was} → ${(replacement ?? '').split('\n')[0]}`;
      });
  });
}

install();
const wanted = process.argv.slice(2);
const report = runTester(wanted.length > 0 ? wanted : Object.keys(FOLDERS).filter((path) => existsSync(`${root}${path}`)));
for (const line of survivors(report)) console.log(line);
for (const [path, least] of Object.entries(FOLDERS)) {
  const mutants = Object.entries(report.files).flatMap(([file, { mutants: all }]) => (file.startsWith(`${path}/`) ? all : []));
  const killed = mutants.filter((mutant) => DIES.has(mutant.status)).length;
  const lived = mutants.filter((mutant) => LIVES.has(mutant.status)).length;
  if (killed + lived === 0) continue;
  const share = (killed / (killed + lived)) * 100;
  console.log(`${path}: ${killed} of ${killed + lived} mutants killed, ${share.toFixed(1)} %, at least ${least} % asked for`);
  if (share < least && wanted.length === 0) process.exitCode = 1;
}

/**
 * `npm run build`: the publishable package in `dist/`.
 *
 *   P1  a program is one bundle, started from compiled code (tools/programs.ts);
 *   P2  the verifier is one file without dependencies, and runs on Node 20;
 *   P3  only declared runtime dependencies stay imports; the rest is bundled;
 *   P4  the cell helper of this machine lies beside the programs, with those of other machines found under build/native/linux-ARCH/.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { build, type BuildOptions } from 'esbuild';
import { runWall, WALLS } from './check.ts';
import { buildPrograms } from './programs.ts';

const LIBRARIES: Readonly<Record<string, string>> = { index: 'src/index.ts', core: 'src/core/index.ts', ports: 'src/ports/index.ts', testing: 'src/testing/index.ts' };
const VERIFIER = { 'cellos-verify': 'src/cli/verify-alone.ts' };

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
const COMMON: BuildOptions = { bundle: true, platform: 'node', format: 'esm', outdir: 'dist', outExtension: { '.js': '.mjs' }, legalComments: 'none', logLevel: 'warning', charset: 'utf8' };

async function bundles(): Promise<void> {
  const libraries = Object.fromEntries(Object.entries(LIBRARIES).filter(([, entry]) => existsSync(entry)));
  await build({ ...COMMON, target: 'node24', entryPoints: libraries, splitting: true, chunkNames: 'chunk-[hash]', external: Object.keys(manifest.dependencies) });
  await build({ ...COMMON, target: 'node20', entryPoints: VERIFIER });
  await buildPrograms('dist');
  for (const name of Object.keys(VERIFIER)) chmodSync(`dist/${name}.mjs`, 0o755);
}

/** Declarations as the compiler wall leaves them. */
async function declarations(): Promise<void> {
  const compiler = WALLS.find((wall) => wall.name === 'compiler');
  const result = compiler === undefined ? undefined : await runWall(compiler, process.cwd());
  if (result?.ok !== true) throw new Error(`Cannot make the declarations: ${result?.output ?? 'there is no compiler wall'}`);
  cpSync('build/types', 'dist/types', { recursive: true, filter: (path) => statSync(path).isDirectory() || path.endsWith('.d.ts') });
}

function helpers(): void {
  const place = (arch: string, folder: string): void => {
    mkdirSync(`dist/native/linux-${arch}`, { recursive: true });
    for (const name of ['cellos-cell', 'cellos-attack']) {
      cpSync(`${folder}/${name}`, `dist/native/linux-${arch}/${name}`);
      chmodSync(`dist/native/linux-${arch}/${name}`, 0o755);
    }
  };
  for (const name of readdirSync('build/native')) if (name.startsWith('linux-')) place(name.slice('linux-'.length), `build/native/${name}`);
  place(process.arch, 'build/native');
}

// Declarations of files that are gone must not be published.
for (const path of ['dist', 'build/types']) rmSync(path, { recursive: true, force: true });
await bundles();
await declarations();
helpers();
for (const name of readdirSync('dist').sort()) if (/\.[cm]js$/.test(name)) console.log(`dist/${name}  ${(statSync(`dist/${name}`).size / 1024).toFixed(0)} KiB`);
for (const name of readdirSync('dist/native')) console.log(`dist/native/${name}/  ${readdirSync(`dist/native/${name}`).join(' ')}`);

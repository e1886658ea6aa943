/**
 * Bundles the programs: one file each, started by src/cli/loader.cjs beside it from compiled code.
 *
 *   `node tools/programs.ts`   into build/programs, where the programs of a clone find them (bin/)
 *   tools/build.ts             into dist, for the package
 */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

/** Programs by the name they are installed under. */
export const PROGRAMS: Readonly<Record<string, string>> = { cellos: 'src/cli/main.ts' };

const DECLARED = Object.keys((JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> }).dependencies);

/** CommonJS: importing a built-in module from an ES module touches all of its exports, which costs `fs` and `crypto` alone ten milliseconds. */
async function bundle(name: string, entry: string, folder: string): Promise<void> {
  const file = `${name}-main.cjs`;
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    external: DECLARED,
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: 'const __moduleUrl = "file://" + encodeURI(__filename).replace(/[?#]/g, encodeURIComponent);' },
    legalComments: 'none',
    logLevel: 'warning',
    charset: 'utf8',
    minifyWhitespace: true,
    write: false,
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`Nothing was bundled of ${entry}`);
  const digest = createHash('sha256').update(output.contents).digest('hex').slice(0, 32);
  writeFileSync(`${folder}/${file}`, output.contents);
  const loader = readFileSync('src/cli/loader.cjs', 'utf8').replace('__BUNDLE__', file).replace('__DIGEST__', digest);
  writeFileSync(`${folder}/${name}.cjs`, `#!/usr/bin/env node\n${loader}`);
  chmodSync(`${folder}/${name}.cjs`, 0o755);
}

export async function buildPrograms(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [name, entry] of Object.entries(PROGRAMS)) await bundle(name, entry, folder);
}

if (import.meta.main) {
  // Whole or not at all: another start may be using the one before.
  const fresh = `build/programs.${process.pid}`;
  await buildPrograms(fresh);
  mkdirSync(`${fresh}/native/linux-${process.arch}`, { recursive: true });
  for (const name of ['cellos-cell', 'cellos-attack']) cpSync(`build/native/${name}`, `${fresh}/native/linux-${process.arch}/${name}`);
  rmSync('build/programs.old', { recursive: true, force: true });
  try {
    renameSync('build/programs', 'build/programs.old');
  } catch {
    // the first time there is none
  }
  renameSync(fresh, 'build/programs');
  rmSync('build/programs.old', { recursive: true, force: true });
}

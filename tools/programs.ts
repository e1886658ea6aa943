/**
 * Bundles the programs, started by src/cli/loader.cjs beside them from compiled code. `cellos run` is a bundle of its own: the shorter the run, the
 * more it counts what has to be read before it.
 *
 *   `node tools/programs.ts`   into build/programs, where the programs of a clone find them (bin/)
 *   tools/build.ts             into dist, for the package
 */
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { build, type Plugin } from 'esbuild';

/** Programs by the name they are installed under. */
export const PROGRAMS: Readonly<Record<string, { entry: string; /** Commands that are a bundle of their own. */ alone: readonly string[] }>> = {
  cellos: { entry: 'src/cli/main.ts', alone: ['run'] },
  'cellos-supervisor': { entry: 'src/cli/supervisor/main.ts', alone: [] },
};

/** Leaves out what the table of commands can load but for one, which is all that this bundle is started for. */
const onlyCommand = (name: string): Plugin => ({
  name: `only-${name}`,
  setup(context) {
    context.onResolve({ filter: /^\.\/commands\// }, ({ path, importer }) => (importer.endsWith('/cli/commands.ts') && path !== `./commands/${name}.ts` ? { path, namespace: 'left-out' } : undefined));
    context.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'export {};' }));
  },
});

/** Small, and in what every program can do: a file less to find and read. */
const BUNDLED: ReadonlySet<string> = new Set(['@noble/hashes']);
const DECLARED = Object.keys((JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> }).dependencies);

/** CommonJS: importing a built-in module from an ES module touches all of its exports, which costs `fs` and `crypto` alone ten milliseconds. */
async function bundle(entry: string, path: string, plugins: Plugin[]): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    external: DECLARED.filter((name) => !BUNDLED.has(name)),
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: 'const __moduleUrl = "file://" + encodeURI(__filename).replace(/[?#]/g, encodeURIComponent);' },
    legalComments: 'none',
    logLevel: 'warning',
    // ASCII: one byte a character in memory, and nothing to decode.
    charset: 'ascii',
    minifyWhitespace: true,
    minifySyntax: true,
    write: false,
    plugins,
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error(`Nothing was bundled of ${entry}`);
  writeFileSync(path, output.contents);
  return createHash('sha256').update(output.contents).digest('hex').slice(0, 32);
}

export async function buildPrograms(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [name, { entry, alone }] of Object.entries(PROGRAMS)) {
    const bundles: Record<string, string> = { main: await bundle(entry, `${folder}/${name}-main.cjs`, []) };
    for (const command of alone) bundles[command] = await bundle(entry, `${folder}/${name}-${command}.cjs`, [onlyCommand(command)]);
    const loader = readFileSync('src/cli/loader.cjs', 'utf8').replace("'__PROGRAM__'", JSON.stringify(name)).replace("'__BUNDLES__'", JSON.stringify(bundles));
    writeFileSync(`${folder}/${name}.cjs`, `#!/usr/bin/env node\n${loader}`);
    chmodSync(`${folder}/${name}.cjs`, 0o755);
  }
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

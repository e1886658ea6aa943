/**
 * The layers of src/ and the arrows between them, once: the dependency checker is configured from this table, and `tools/tidy.ts` holds the
 * compiler's project references (tsconfig/LAYER.json) against it.
 */

/** Layer → the layers it may import. What is not listed is refused. `attacks` runs inside cells, so it knows nothing of ours. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wire: ['base'],
  core: ['base'],
  ports: ['base', 'core'],
  config: ['base'],
  runtime: ['base', 'core', 'ports'],
  adapters: ['base', 'wire', 'core', 'ports'],
  attacks: [],
  compose: ['base', 'core', 'ports', 'runtime', 'adapters', 'config', 'attacks'],
  testing: ['base', 'core', 'ports', 'runtime'],
  library: ['base', 'core', 'ports', 'runtime', 'compose', 'config'],
  cli: ['base', 'core', 'ports', 'runtime', 'compose', 'config', 'attacks'],
};

/** Layers without any package, Node module, clock or randomness. */
export const PURE: readonly string[] = ['wire', 'core'];

/** Files of src/ that stand beside the folders, by layer. */
export const TOP_FILES: Readonly<Record<string, string>> = { 'version.ts': 'base', 'index.ts': 'library' };

/** Node modules that only some files may import. */
export const GUARDED_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['src/adapters/os/process.ts'],
  'node:crypto': ['src/base/crypto.ts', 'src/adapters/signer/', 'src/adapters/os/random.ts'],
  'node:process': [],
};

/** The only file that reads the environment of the process. */
export const ENVIRONMENT_FILE = 'src/config/env.ts';

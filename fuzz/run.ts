/**
 * `npm run fuzz -- [TARGET …] [--seconds N] [--seed S] [--keep]`: runs the targets of fuzz/targets for a bounded time.
 *
 * A target is a module with `default (bytes) => void`, which may throw CellError and nothing else. It may export `seeds` and, where it reads its
 * input more than once, `once`: the same reading as a program does it. Inputs in
 * fuzz/corpus/TARGET are tried first; `--keep` adds those that reached something new. An input that broke a target is written to
 * build/fuzz/TARGET-SEED, and `npm run fuzz -- TARGET --input FILE` runs it again.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { utf8 } from '../src/base/bytes.ts';
import { sha256Hex } from '../src/base/crypto.ts';
import { isCellError } from '../src/base/errors.ts';
import { fuzz, type FuzzTarget } from './engine.ts';

const here = fileURLToPath(new URL('.', import.meta.url));

export function fuzzTargets(): string[] {
  return readdirSync(`${here}targets`).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts')).map((name) => name.slice(0, -3)).sort();
}

interface TargetModule {
  readonly default: FuzzTarget;
  readonly once?: (input: Uint8Array) => unknown;
  /** Texts are tried as UTF-8. */
  readonly seeds?: readonly (Uint8Array | string)[];
}

async function loadTarget(name: string): Promise<TargetModule> {
  if (!fuzzTargets().includes(name)) throw new Error(`There is no fuzz target "${name}": ${fuzzTargets().join(', ')}`);
  return (await import(`./targets/${name}.ts`)) as TargetModule;
}

/** Broken invariants of ours count as crashes, whatever their class. */
const isExpected = (error: unknown): boolean => isCellError(error) && error.code !== 'internal.bug';

export interface FuzzReport {
  readonly summary: string;
  /** What broke and where the input is. */
  readonly crash?: string;
}

export async function runFuzz(options: { target: string; seconds: number; seed: number; keep?: boolean }): Promise<FuzzReport> {
  const { target, seconds, seed } = options;
  const module = await loadTarget(target);
  const folder = `${here}corpus/${target}`;
  const corpus = existsSync(folder) ? readdirSync(folder).sort().map((name) => new Uint8Array(readFileSync(`${folder}/${name}`))) : [];
  const outcome = fuzz(module.default, [...(module.seeds ?? []).map((seed) => (typeof seed === 'string' ? utf8(seed) : seed)), ...corpus], { seconds, seed, isExpected });
  const summary = `${outcome.executions} inputs, ${outcome.blocks} blocks reached, ${outcome.found.length} inputs found, seed ${seed}`;
  if (options.keep && outcome.found.length > 0) {
    mkdirSync(folder, { recursive: true });
    for (const input of outcome.found) writeFileSync(`${folder}/${sha256Hex(input).slice(0, 16)}`, input);
  }
  if (outcome.crash === undefined) return { summary };
  const repro = `${here}../build/fuzz/${target}-${seed}`;
  mkdirSync(`${here}../build/fuzz`, { recursive: true });
  writeFileSync(repro, outcome.crash.input);
  const { error } = outcome.crash;
  return { summary, crash: `${error instanceof Error ? error.stack : String(error)}\n     input kept in ${repro}` };
}

/** What broke, if anything: an input is read, or refused as it should be. With the seconds of the processor that reading it once took. */
export async function runOnce(target: string, input: Uint8Array): Promise<{ broke?: unknown; seconds: number }> {
  const { default: run, once = run } = await loadTarget(target);
  const from = process.cpuUsage();
  const tried: { broke?: unknown } = attempt(once, input);
  const { user, system } = process.cpuUsage(from);
  return { ...tried, ...(once === run || 'broke' in tried ? {} : attempt(run, input)), seconds: (user + system) / 1e6 };
}

function attempt(run: (input: Uint8Array) => unknown, input: Uint8Array): { broke?: unknown } {
  try {
    run(input);
  } catch (error) {
    if (!isExpected(error)) return { broke: error };
  }
  return {};
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string', default: String(Date.now() % 2 ** 31) }, keep: { type: 'boolean', default: false }, input: { type: 'string' } },
  });
  for (const target of positionals.length === 0 ? fuzzTargets() : positionals) {
    if (values.input !== undefined) {
      (await loadTarget(target)).default(new Uint8Array(readFileSync(values.input)));
      continue;
    }
    const { summary, crash } = await runFuzz({ target, seconds: Number(values.seconds), seed: Number(values.seed), keep: values.keep });
    console.log(`${crash === undefined ? 'ok  ' : 'FAIL'} ${target}: ${summary}`);
    if (crash === undefined) continue;
    console.log(`     ${crash}`);
    process.exitCode = 1;
  }
}

if (import.meta.main) await main();

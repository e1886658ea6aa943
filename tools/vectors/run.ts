/**
 * Runs golden vectors: `npm run vectors -- DIR…`. A file of vectors is `{about, source, cases: [{name, input, expect, …}]}`; its area is the
 * name of its folder, and it is run by the adapter named after both.
 *
 *   N1  a case listed in docs/compatibility.md has to differ: one that agrees again is a failure, so the list cannot go stale;
 *   N2  a file without an adapter fails when its area is claimed, and is named either way;
 *   N3  a case that this host cannot run is skipped by name, never in silence.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { messageOf } from '../../src/base/errors.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../../src/base/json.ts';
import { parseJson } from '../../src/base/json-parse.ts';
import { ADAPTERS, CLAIMED_AREAS } from './adapters.ts';
import { Skipped, type VectorCase } from './vector.ts';

export interface FileResult {
  /** `area/file` without `.json`. */
  readonly id: string;
  readonly passed: number;
  readonly deviates: number;
  /** What this host cannot run, each with the reason [N3]. */
  readonly skipped: readonly string[];
  readonly failures: readonly string[];
  /** No adapter: nothing was run. */
  readonly missing: boolean;
  readonly total: number;
}

/** Beneath a folder, in the order of their names; or the file itself. */
export function* jsonFiles(path: string): Generator<string> {
  if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) yield* jsonFiles(`${path}/${name}`);
  else if (path.endsWith('.json')) yield path;
}

function casesOf(file: string): VectorCase[] | undefined {
  const document = parseJson(readFileSync(file), { duplicates: 'last' });
  if (!isJsonObject(document) || !isJsonArray(document['cases'])) return undefined;
  return document['cases'].map((raw: JsonValue) => {
    if (!isJsonObject(raw) || typeof raw['name'] !== 'string') throw new Error(`${file}: a case without a name`);
    const { input, expect, should } = raw;
    const better = should === 'reject' ? { error: 'reject' } : (should ?? expect);
    return { name: raw['name'], input: isJsonObject(input) ? input : {}, expect: isJsonObject(better) ? better : {}, raw };
  });
}

/** Deliberate deviations: list items of docs/compatibility.md that begin with `area/file: case name` in backticks. */
export function readDeviations(markdown: string): Set<string> {
  return new Set([...markdown.matchAll(/^[-*] `([a-z]+\/[\w.-]+: [^`]+)`/gm)].map((match) => match[1] ?? ''));
}

export async function runFile(file: string, deviations: ReadonlySet<string>): Promise<FileResult | undefined> {
  const cases = casesOf(file);
  if (cases === undefined) return undefined;
  const id = `${basename(dirname(file))}/${basename(file, '.json')}`;
  const adapter = ADAPTERS[id];
  if (adapter === undefined) return { id, passed: 0, deviates: 0, failures: [], skipped: [], missing: true, total: cases.length };
  let passed = 0;
  let deviates = 0;
  const failures: string[] = [];
  const skipped: string[] = [];
  const runCase = async (vector: VectorCase): Promise<void> => {
    const listed = deviations.has(`${id}: ${vector.name}`);
    try {
      await adapter(vector);
      if (listed) failures.push(`${vector.name}: agrees with the reference, but docs/compatibility.md lists it as deviating`); // N1
      else passed += 1;
    } catch (error) {
      if (error instanceof Skipped) skipped.push(`${vector.name}: ${error.message}`);
      else if (listed) deviates += 1;
      else failures.push(`${vector.name}: ${messageOf(error)}`);
    }
  };
  const waiting = cases.values();
  await Promise.all(
    Array.from({ length: adapter.atATime ?? 1 }, async () => {
      for (const vector of waiting) await runCase(vector);
    }),
  );
  return { id, passed, deviates, failures, skipped, missing: false, total: cases.length };
}

/** @returns the exit code */
export async function runVectors(paths: readonly string[], options: { deviations: ReadonlySet<string>; print: (line: string) => void }): Promise<number> {
  let passed = 0;
  let failed = 0;
  for (const path of paths) {
    for (const file of jsonFiles(resolve(path))) {
      const result = await runFile(file, options.deviations);
      if (result === undefined) continue;
      if (result.missing) {
        const claimed = CLAIMED_AREAS.has(result.id.split('/')[0] ?? '');
        if (claimed) failed += 1;
        options.print(`${result.id} not run: no adapter${claimed ? '' : ' yet (area not claimed)'}`); // N2
        continue;
      }
      options.print(`${result.id} ${result.passed}/${result.total}${result.deviates > 0 ? ` (deviates ${result.deviates})` : ''}`);
      for (const skip of result.skipped) options.print(`  skipped ${skip}`);
      for (const failure of result.failures) options.print(`  FAILED ${failure}`);
      passed += result.passed + result.deviates;
      failed += result.failures.length;
    }
  }
  options.print(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

if (import.meta.main) {
  const root = `${import.meta.dirname}/../..`;
  const deviations = readDeviations(readFileSync(`${root}/docs/compatibility.md`, 'utf8'));
  const paths = process.argv.slice(2);
  process.exitCode = await runVectors(paths.length > 0 ? paths : [`${root}/test/vectors`], { deviations, print: console.log });
}

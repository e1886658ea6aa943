import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { jsonFiles, readDeviations, runFile, runVectors } from './run.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const deviations = readDeviations(readFileSync(at('docs/compatibility.md'), 'utf8'));
const files = [...jsonFiles(at('test/vectors'))].map((file) => [file.slice(at('test/vectors/').length), file] as const);

it.each(files)('%s: every golden vector agrees, but for the deviations that docs/compatibility.md lists [N1]', async (_name, file) => {
  const result = await runFile(file, deviations);
  expect(result === undefined || (!result.missing && result.failures.length === 0), result?.failures.join('\n') ?? '').toBe(true);
});

it('a run over nothing fails', async () => {
  const lines: string[] = [];
  expect(await runVectors([], { deviations, print: (line) => void lines.push(line) })).toBe(1);
  expect(lines).toEqual(['0 passed, 0 failed']);
});

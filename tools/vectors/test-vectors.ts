/** A test for each file of golden vectors in test/vectors. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { jsonFiles, readDeviations, runFile } from './run.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** @param wanted by the folder of the file */
export function testVectors(wanted: (area: string) => boolean): void {
  const deviations = readDeviations(readFileSync(at('docs/compatibility.md'), 'utf8'));
  const files = [...jsonFiles(at('test/vectors'))].map((file) => [file.slice(at('test/vectors/').length), file] as const).filter(([name]) => wanted(name.split('/')[0] ?? ''));
  it.each(files)('%s: every golden vector agrees, but for the deviations that docs/compatibility.md lists [N1]', async (_name, file) => {
    const result = await runFile(file, deviations);
    expect(result === undefined || (!result.missing && result.failures.length === 0), result?.failures.join('\n') ?? '').toBe(true);
  });
}

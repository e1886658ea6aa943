import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readDeviations, runVectors } from './run.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

it('every golden vector agrees, but for the deviations that docs/compatibility.md lists [N1]', async () => {
  const lines: string[] = [];
  const code = await runVectors([at('test/vectors')], { deviations: readDeviations(readFileSync(at('docs/compatibility.md'), 'utf8')), print: (line) => void lines.push(line) });
  expect(lines.filter((line) => line.includes('FAILED') || line.includes('no adapter'))).toEqual([]);
  expect(code).toBe(0);
});

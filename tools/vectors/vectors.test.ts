/** The golden vectors of test/vectors, all of them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readDeviations, runVectors } from './run.ts';

const root = `${import.meta.dirname}/../..`;

it('every golden vector agrees with the reference, but for the deviations that docs/compatibility.md lists', async () => {
  const lines: string[] = [];
  const deviations = readDeviations(readFileSync(`${root}/docs/compatibility.md`, 'utf8'));
  const code = await runVectors([`${root}/test/vectors`], { deviations, print: (line) => lines.push(line) });
  expect(lines.filter((line) => /FAILED|not run/.test(line))).toEqual([]);
  expect(lines.at(-1)).toMatch(/^[1-9]\d* passed, 0 failed$/);
  expect(code).toBe(0);
});

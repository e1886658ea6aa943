import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { evidenceVectors } from './make-evidence.ts';
import { readDeviations, runVectors } from './run.ts';
import { testVectors } from './test-vectors.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const deviations = readDeviations(readFileSync(at('docs/compatibility.md'), 'utf8'));

// Pure, so that mutation testing can run them; what starts programs stands in programs.test.ts.
testVectors((area) => area === 'spec' || area === 'events' || area === 'evidence');

it('the vectors of evidence are what is made of the standards alone', () => {
  for (const [name, text] of evidenceVectors()) expect(readFileSync(at(`test/vectors/evidence/${name}`), 'utf8') === text, name).toBe(true);
});

it('a run over nothing fails', async () => {
  const lines: string[] = [];
  expect(await runVectors([], { deviations, print: (line) => void lines.push(line) })).toBe(1);
  expect(lines).toEqual(['0 passed, 0 failed']);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, expect, it } from 'vitest';
import { killJournals, stopJournals } from './kill-journal.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-journal-kill-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('a journal whose writers are killed at random moments has everything it acknowledged', async () => {
  const seed = Date.now() % 2 ** 31;
  const { acknowledged, wrong } = await killJournals({ path: `${root}/journal`, seed, count: 6, look: 3 });
  expect(wrong, `seed ${seed}`).toEqual([]);
  expect(acknowledged).toBeGreaterThan(50);
}, 120_000);

it('a writer that is stopped while another takes over acknowledges nothing that is lost', async () => {
  const seed = Date.now() % 2 ** 31;
  const { acknowledged, wrong } = await stopJournals({ path: `${root}/stopped`, seed, count: 2 });
  expect(wrong, `seed ${seed}`).toEqual([]);
  expect(acknowledged).toBeGreaterThan(10);
}, 120_000);

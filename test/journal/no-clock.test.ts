import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

// So a clock that jumps, stands still or runs back cannot matter: order is by sequence, who came first by epoch.
it('the journal asks no clock, and sets no timer', () => {
  for (const folder of ['src/core/journal', 'src/adapters/journal']) {
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))) {
      expect(readFileSync(`${folder}/${name}`, 'utf8'), name).not.toMatch(/\bDate\b|\bperformance\b|hrtime|setTimeout|setInterval|AbortSignal\.timeout|utimes|mtime/);
    }
  }
});

import { describe, expect, it } from 'vitest';
import { Progress, progressText, SILENCE_MS } from './progress.ts';
import { PLAIN } from './render.ts';

function harness() {
  const written: string[] = [];
  const time = { now: 0 };
  const progress = new Progress({ write: (text) => void written.push(text), style: PLAIN, now: () => time.now, text: (elapsedMs) => `at ${elapsedMs}` });
  return { written, time, progress };
}

const ERASE = '\r\u001b[2K';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('Progress', () => {
  it('says nothing until the command was silent for a while', () => {
    const { written, time, progress } = harness();
    time.now = SILENCE_MS - 1;
    progress.tick();
    expect(written).toEqual([]);
    time.now = SILENCE_MS;
    progress.tick();
    expect(written).toEqual([`${ERASE}at ${SILENCE_MS}`]);
  });

  it('is erased before the output of the command is passed, and once only [PG2]', () => {
    const { written, time, progress } = harness();
    time.now = 2_000;
    progress.tick();
    progress.beforeOutput(bytes('line\n'));
    progress.beforeOutput(bytes('line\n'));
    expect(written).toEqual([`${ERASE}at 2000`, ERASE]);
    progress.tick();
    expect(written).toHaveLength(2);
  });

  it('never writes over a line that the command left open, as a prompt is [PG3]', () => {
    const { written, time, progress } = harness();
    progress.beforeOutput(bytes('name? '));
    time.now = 60_000;
    progress.tick();
    expect(written).toEqual([]);
    progress.beforeOutput(bytes('\n'));
    time.now = 120_000;
    progress.tick();
    expect(written).toHaveLength(1);
  });

  it('leaves nothing at the end', () => {
    const { written, time, progress } = harness();
    time.now = 5_000;
    progress.tick();
    progress.stop();
    progress.stop();
    expect(written.at(-1)).toBe(ERASE);
    expect(written).toHaveLength(2);
  });

  it.each([40, 60, 80, 120])('fits in one line of %i columns', (width) => {
    const text = progressText({ runId: '01m88b7s4d7yzve0zf2b8pa5fx', elapsedMs: 3_723_000, load: { memoryBytes: 12_345_678, processes: 512 }, stopping: false }, width);
    expect(text.length).toBeLessThan(width);
    expect(text).toMatch(/^cellos: running · 1 h 02 min/);
  });
});

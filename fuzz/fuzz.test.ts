import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { fuzz, mutate } from './engine.ts';
import { fuzzTargets } from './run.ts';
import { seededRandom } from '../test/crash/kill-campaign.ts';

describe('fuzz', () => {
  // A process each: V8 counts the blocks of the sources themselves there, not of what a test runner made of them.
  it.each(fuzzTargets())('%s throws nothing but CellError', (target) => {
    const seed = String(Date.now() % 2 ** 31);
    const said = execFileSync(process.execPath, ['fuzz/run.ts', target, '--seconds', '2', '--seed', seed], { encoding: 'utf8' });
    const [, inputs, blocks] = /^ok {2}.*: (\d+) inputs, (\d+) blocks reached/.exec(said) ?? [];
    expect(Number(inputs), said).toBeGreaterThan(50);
    expect(Number(blocks), said).toBeGreaterThan(5);
  });

  it('finds what is wrong, and gives the input', () => {
    const outcome = fuzz((bytes) => { if (bytes[0] === 0x7b && bytes[1] === 0x22) throw new TypeError('planted'); }, [Uint8Array.of(0x7b)], { seconds: 20, seed: 1, isExpected: () => false });
    expect(outcome.crash?.error).toBeInstanceOf(TypeError);
    expect([...(outcome.crash?.input ?? [])].slice(0, 2)).toEqual([0x7b, 0x22]);
  });

  it('mutates the same way for the same seed', () => {
    const make = () => Array.from({ length: 50 }, () => mutate(Uint8Array.of(1, 2, 3), Uint8Array.of(9, 9), random));
    let random = seededRandom(5);
    const first = make();
    random = seededRandom(5);
    expect(make()).toEqual(first);
  });
});

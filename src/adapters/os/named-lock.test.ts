import { describe, expect, it } from 'vitest';
import { withLock } from './named-lock.ts';
import { claimName } from './uid-claim.ts';

describe('withLock()', () => {
  const name = `test/${process.pid}`;

  it('lets one in at a time, and the next when it is out', async () => {
    const seen: number[] = [];
    await Promise.all([1, 2, 3].map((n) => withLock(name, { looks: 1000, what: 'it' }, () => void seen.push(n))));
    expect(seen.sort()).toEqual([1, 2, 3]);
  });

  it('is given up as often as it was asked to look, and free after work that throws', async () => {
    const held = await claimName(`cellos/${name}`);
    await expect(withLock(name, { looks: 2, what: 'the keys' }, () => 1)).rejects.toThrow(expect.objectContaining({ code: 'state.unusable', message: 'Cannot change the keys: another program is changing it; try again when it is done' }));
    await held?.close();
    await expect(withLock(name, { looks: 1, what: 'it' }, () => { throw new Error('inside'); })).rejects.toThrow('inside');
    expect(await withLock(name, { looks: 1, what: 'it' }, () => 7)).toBe(7);
  });
});

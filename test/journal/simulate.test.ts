import { expect, it } from 'vitest';
import { SIMULATED_STEPS, simulate } from './simulate.ts';

it('a simulated host loses nothing that was acknowledged, and notices every flipped bit', async () => {
  const first = Date.now() % 2 ** 31;
  let acknowledged = 0;
  for (let seed = first; seed < first + 60; seed += 1) {
    const found = await simulate(seed, SIMULATED_STEPS);
    expect(found.wrong, `npm run soak -- simulate --seed ${seed}\n${found.trace.join('\n')}`).toBeUndefined();
    acknowledged += found.acknowledged;
  }
  expect(acknowledged).toBeGreaterThan(500);
});

it('is the same for the same seed', async () => {
  expect(await simulate(5, SIMULATED_STEPS)).toEqual(await simulate(5, SIMULATED_STEPS));
});

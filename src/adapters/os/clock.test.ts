import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { clockContract, randomContract } from '../../testing/contracts/clock.ts';
import { systemClock } from './clock.ts';
import { systemRandom } from './random.ts';

// The only tests that wait: the subject is the host's own clock. Lower bounds alone are asserted.
async function pass(ms: number): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; ) await sleep(1);
}

describe('systemClock keeps the contract of the port clock', () => {
  for (const one of clockContract(() => ({ clock: systemClock, pass }))) it(one.name, one.run);
});

describe('systemRandom keeps the contract of the port clock', () => {
  for (const one of randomContract(() => systemRandom)) it(one.name, one.run);
});

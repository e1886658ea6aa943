import { describe, it } from 'vitest';
import { randomContract } from '../../testing/contracts/clock.ts';
import { systemRandom } from './random.ts';

describe('systemRandom keeps the contract of a source of randomness', () => {
  for (const { name, run } of randomContract(() => systemRandom)) it(name, run);
});

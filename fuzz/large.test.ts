/** Inputs of one MiB, each through each parser: a time that grows with the square of the length would not end. The time itself is measured in the soak. */
import { describe, expect, it } from 'vitest';
import { utf8 } from '../src/base/bytes.ts';
import { LARGE } from './large.ts';
import { runOnce } from './run.ts';

describe.each(['json', 'yaml', 'spec', 'token', 'keyset', 'checkpoint', 'log-policy', 'dsse', 'tiles'])('the target %s', (target) => {
  it.each(Object.entries(LARGE))('reads or refuses: %s', async (_name, text) => {
    expect(await runOnce(target, utf8(text))).not.toHaveProperty('broke');
  });
});

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import type { EpochMs } from '../../base/ids.ts';
import type { Clock } from '../../ports/clock.ts';
import { secretBrokerContract } from '../../testing/contracts/secret-broker.ts';
import { systemRandom } from '../os/random.ts';
import type { SecretSource } from '../../ports/secret-broker.ts';
import { createHostBroker } from './host-broker.ts';

const folder = mkdtempSync(`${tmpdir()}/cellos-broker-`);
writeFileSync(`${folder}/known`, 'value-4711\n');
writeFileSync(`${folder}/empty`, '\n');
symlinkSync(`${folder}/known`, `${folder}/link`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function subject(sources: ReadonlyMap<string, SecretSource>, env: Readonly<Record<string, string>>) {
  let nowMs = 0;
  const clock: Clock = { nowMs: () => nowMs as EpochMs, nowRfc3339: () => '1970-01-01T00:00:00+00:00', monotonicMs: () => nowMs, after: () => ({ [Symbol.dispose]: () => undefined }) };
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms;
  };
  return { broker: createHostBroker({ env, sources, clock, random: systemRandom }), known: { ref: 'known', value: 'value-4711' }, missing: 'absent', empty: 'empty', pass };
}

const file = (name: string): SecretSource => ({ broker: 'file', path: `${folder}/${name}` });

describe('the broker of environment variables keeps the contract of the port secret-broker', () => {
  for (const one of secretBrokerContract(() => subject(new Map(), { CELLOS_SECRET_KNOWN: 'value-4711', CELLOS_SECRET_EMPTY: '' }))) it(one.name, one.run);
});

describe('the broker of files keeps the contract of the port secret-broker', () => {
  const sources = new Map([['known', file('known')], ['empty', file('empty')], ['absent', file('absent')]]);
  for (const one of secretBrokerContract(() => subject(sources, {}))) it(one.name, one.run);

  it('follows no symlink', async () => {
    const { broker } = subject(new Map([['known', file('link')]]), {});
    await expect(broker.lease('known', { ttlMs: 1000, signal: new AbortController().signal })).rejects.toMatchObject({ code: 'secret.missing', message: expect.stringContaining('symlink') });
  });
});

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { isCellError } from '../../base/errors.ts';
import { secretBrokerContract } from '../../testing/contracts/secret-broker.ts';
import { FakeClock, fakeRandom } from '../../testing/index.ts';
import type { SecretSource } from '../../ports/secret-broker.ts';
import { createHostBroker } from './host-broker.ts';

const root = mkdtempSync(`${tmpdir()}/cellos-broker-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));
for (const [name, text] of [['token', 'value-1\n'], ['empty', '\n']] as const) writeFileSync(`${root}/${name}`, text, { mode: 0o600 });

function harness(env: Record<string, string>, sources: readonly (readonly [string, SecretSource])[]) {
  const clock = new FakeClock();
  const broker = createHostBroker({ env, sources: new Map(sources), clock, random: fakeRandom() });
  return { broker, known: { ref: 'token-1', value: 'value-1' }, missing: 'none', empty: 'empty', pass: (ms: number) => clock.advance(ms) };
}

describe('the broker of environment variables keeps the contract of a secret broker', () => {
  for (const { name, run } of secretBrokerContract(() => harness({ CELLOS_SECRET_TOKEN_1: 'value-1', CELLOS_SECRET_EMPTY: '' }, []))) it(name, run);
});

describe('the broker of files keeps the contract of a secret broker', () => {
  const sources = [['token-1', { broker: 'file', path: `${root}/token` }], ['empty', { broker: 'file', path: `${root}/empty` }]] as const;
  for (const { name, run } of secretBrokerContract(() => harness({}, sources))) it(name, run);
});

describe('createHostBroker()', () => {
  const lease = (env: Record<string, string>, ref: string) =>
    harness(env, []).broker.lease(ref, { ttlMs: 1000, signal: new AbortController().signal }).then(
      async (held) => new TextDecoder().decode((await held.read({ signal: new AbortController().signal })).reveal()),
      (error: unknown) => (isCellError(error) ? error.code : error),
    );

  it('takes the variable before the file the environment names, and follows no link', async () => {
    symlinkSync(`${root}/token`, `${root}/link`);
    chmodSync(`${root}/token`, 0o600);
    expect(await lease({ CELLOS_SECRET_A: 'direct', CELLOS_SECRET_FILE_A: `${root}/token` }, 'a')).toBe('direct');
    expect(await lease({ CELLOS_SECRET_FILE_A: `${root}/token` }, 'a')).toBe('value-1');
    expect(await lease({ CELLOS_SECRET_FILE_A: `${root}/link` }, 'a')).toBe('secret.missing');
    expect(await lease({ CELLOS_SECRET_FILE_A: root }, 'a')).toBe('secret.missing');
  });

  it('hands out text as it is, less one newline at the end of a file, and refuses what is none [B3]', async () => {
    const file = (content: string | Uint8Array): Promise<unknown> => {
      writeFileSync(`${root}/content`, content);
      return lease({ CELLOS_SECRET_FILE_A: `${root}/content` }, 'a');
    };
    expect(await file('tok\n\n')).toBe('tok\n');
    expect(await file('tok\r\n')).toBe('tok\r');
    expect(await file(' €\0b ')).toBe(' €\0b ');
    expect(await file(Uint8Array.of(0xff, 0xfe))).toBe('secret.missing');
    expect(await lease({ CELLOS_SECRET_A: 'a\ufffd' }, 'a')).toBe('secret.missing');
  });

  it('waits for no pipe, and tells no path of a file as a secret', async () => {
    execFileSync('mkfifo', [`${root}/pipe`]);
    expect(await lease({ CELLOS_SECRET_FILE_A: `${root}/pipe` }, 'a')).toBe('secret.missing');
    expect(await lease({ CELLOS_SECRET_FILE_A: `${root}/token` }, 'file-a')).toBe('secret.missing');
  });
});

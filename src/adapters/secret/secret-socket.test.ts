import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../base/limits.ts';
import type { SecretChannel, SecretListener } from '../../ports/secret-channel.ts';
import { secretChannelContract, type SecretChannelHarness } from '../../testing/contracts/secret-channel.ts';
import { FakeClock, fakeRandom } from '../../testing/index.ts';
import { openSecretSocket } from './secret-socket.ts';

const deaf: SecretListener = { knows: () => false, read: () => Promise.reject(new Error('not asked')), refused: () => undefined };

/** One connection: what it was sent until its end, or undefined when that was nothing. */
function ask({ directory }: SecretChannel, line: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(`${directory}/broker.sock`);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    // Its reset is how a request that is none is turned away; the end of the connection follows.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer === '' ? undefined : answer));
    socket.write(line);
  });
}

function harness(): SecretChannelHarness & { readonly folder: string; readonly options: Omit<Parameters<typeof openSecretSocket>[0], 'listener'> } {
  const folder = mkdtempSync(`${tmpdir()}/cellos-socket-`);
  const clock = new FakeClock();
  const options = { directory: `${folder}/s`, delivery: 'runtimeBroker', ttlMs: 1000, clock, random: fakeRandom() } as const;
  return {
    folder,
    options,
    open: (listener) => openSecretSocket({ ...options, listener }),
    ask: (channel, line) => ask(channel, `${line}\n`),
    expire: () => void clock.advance(1000),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

describe('the secret socket keeps the contract of a secret channel', () => {
  for (const { name, run } of secretChannelContract(harness)) it(name, run);
});

describe('openSecretSocket()', () => {
  it('is for the user of the cell alone, and gone when closed [K2]', async () => {
    const { open, options, dispose } = harness();
    const channel = await open(deaf);
    expect(statSync(options.directory).mode & 0o777).toBe(0o700);
    expect(statSync(`${options.directory}/broker.sock`).mode & 0o777).toBe(0o600);
    await channel.close();
    expect(existsSync(options.directory)).toBe(false);
    await dispose();
  });

  it('cuts off a request that is too long [K2]', async () => {
    const { open, dispose } = harness();
    const channel = await open(deaf);
    expect(await ask(channel, 'x'.repeat(LIMITS.secretRequestBytesMax + 1))).toBeUndefined();
    await channel.close();
    await dispose();
  });

  it('fails with a code, and leaves nothing behind, where no socket can be', async () => {
    const { folder, options, dispose } = harness();
    const failed = expect.objectContaining({ code: 'secret.broker' });
    await expect(openSecretSocket({ ...options, directory: `${folder}/${'long'.repeat(30)}`, listener: deaf })).rejects.toThrow(failed);
    await expect(openSecretSocket({ ...options, directory: `${folder}/no/where`, listener: deaf })).rejects.toThrow(failed);
    await expect(openSecretSocket({ ...options, hostUid: -2, listener: deaf })).rejects.toThrow(failed);
    expect(readdirSync(folder)).toEqual([]);
    // What was there before is not ours to remove.
    mkdirSync(options.directory);
    await expect(openSecretSocket({ ...options, listener: deaf })).rejects.toThrow(failed);
    expect(readdirSync(folder)).toEqual(['s']);
    await dispose();
  });
});

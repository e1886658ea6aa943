/** What every secret channel keeps: a workload that holds the token gets the values its cell may have, one that does not gets none. */
import assert from 'node:assert/strict';
import { utf8 } from '../../base/bytes.ts';
import { Secret } from '../../base/secret.ts';
import type { SecretChannel, SecretListener } from '../../ports/secret-channel.ts';
import type { ContractCase } from './contract.ts';

export interface SecretChannelHarness {
  open(listener: SecretListener): Promise<SecretChannel>;
  /** One request as a workload makes it; undefined: the channel answers nothing. */
  ask(channel: SecretChannel, line: string): Promise<string | undefined>;
  /** Ends the time of the channel. */
  expire(): void;
  dispose(): Promise<void>;
}

interface Listening {
  readonly channel: SecretChannel;
  readonly token: string;
  readonly refusals: (readonly [key: string, reason: string])[];
  ask(request: unknown): Promise<unknown>;
}

const KNOWN = ['A', 'FAILS'];

async function listening(harness: SecretChannelHarness): Promise<Listening> {
  const refusals: [string, string][] = [];
  const channel = await harness.open({
    knows: (key) => KNOWN.includes(key),
    read: async (key) => {
      if (key === 'FAILS') throw new Error('the lease is over');
      return new Secret(utf8('välue'));
    },
    refused: (key, reason) => void refusals.push([key, reason]),
  });
  const token = new TextDecoder().decode(channel.variables.get('CELLOS_RUNTIME_SECRET_TOKEN')?.reveal());
  const ask = async (request: unknown): Promise<unknown> => {
    const answer = await harness.ask(channel, typeof request === 'string' ? request : JSON.stringify(request));
    return answer === undefined ? undefined : JSON.parse(answer);
  };
  return { channel, token, refusals, ask };
}

export function secretChannelContract(make: () => SecretChannelHarness): readonly ContractCase[] {
  const told = (name: string, run: (open: Listening, harness: SecretChannelHarness) => Promise<void>): ContractCase => ({
    name,
    async run() {
      const harness = make();
      try {
        const open = await listening(harness);
        try {
          await run(open, harness);
        } finally {
          await open.channel.close();
        }
      } finally {
        await harness.dispose();
      }
    },
  });
  return [
    told('hands a value to who has the token, as often as asked', async ({ token, ask, refusals }) => {
      for (let i = 0; i < 3; i += 1) assert.deepEqual(await ask({ token, key: 'A' }), { value: 'välue' });
      assert.deepEqual(refusals, []);
    }),
    told('answers several at once', async ({ token, ask }) => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask({ token, key: 'A' })));
      assert.deepEqual(answers, Array.from({ length: 8 }, () => ({ value: 'välue' })));
    }),
    told('turns away a wrong token before it says which keys there are', async ({ token, ask, refusals }) => {
      for (const wrong of ['', `${token}x`, token.slice(1)]) for (const key of ['A', 'B']) assert.deepEqual(await ask({ token: wrong, key }), { error: 'unauthorized' });
      assert.equal(refusals.length, 6);
      assert.ok(refusals.every(([, reason]) => reason === 'unauthorized'));
    }),
    told('turns away a key it does not have, and tells why a value could not be read', async ({ token, ask, refusals }) => {
      assert.deepEqual(await ask({ token, key: 'B' }), { error: 'unknown secret key "B"' });
      assert.deepEqual(await ask({ token, key: 'FAILS' }), { error: 'the lease is over' });
      assert.deepEqual(refusals, [['B', 'unknown'], ['FAILS', 'failed']]);
    }),
    told('answers nothing to what is no request', async ({ token, ask, refusals }) => {
      for (const line of ['nonsense', '{}', '[]', 'null', JSON.stringify({ token }), JSON.stringify({ token, key: 7 })]) assert.equal(await ask(line), undefined);
      assert.ok(refusals.every(([key, reason]) => key === '' && reason === 'malformed'));
      assert.equal(refusals.length, 6);
    }),
    told('hands out nothing once its time is over', async ({ token, ask, refusals }, harness) => {
      harness.expire();
      assert.deepEqual(await ask({ token, key: 'A' }), { error: 'secret expired' });
      assert.deepEqual(refusals, [['A', 'expired']]);
    }),
    told('closes once and for all, and says so twice', async ({ channel }) => {
      assert.equal((await channel.close()).result, 'clean');
      assert.equal((await channel.close()).result, 'clean');
    }),
  ];
}

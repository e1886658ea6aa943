import { afterEach, describe, expect, it } from 'vitest';
import { endBrokers, fakeBroker } from '../../../test/fake-broker.ts';
import { eventSinkContract, sampleEvent } from '../../testing/contracts/event-sink.ts';
import { fakeRandom } from '../../testing/index.ts';
import { systemClock } from '../os/clock.ts';
import { connectJetStream } from './jetstream.ts';

afterEach(endBrokers);

const connect = (url: string) => connectJetStream({ url, subject: 'cellos.events.v1', connectTimeoutMs: 5_000, clock: systemClock, random: fakeRandom() });

describe('JetStream keeps the contract of an event sink', () => {
  for (const [at, { name }] of eventSinkContract(() => ({}) as never).entries()) {
    it(name, async () => {
      const { url, ids } = await fakeBroker();
      const [sink, next] = [await connect(url), await connect(url)];
      await eventSinkContract(() => ({ sink, reopen: () => next, delivered: async () => ids, break: endBrokers }))[at]?.run();
    });
  }
});

describe('connectJetStream()', () => {
  it('sends the event as it is, under its id, and signs in as the address says [JS1]', async () => {
    const { url, payloads, connects } = await fakeBroker();
    await (await connect(url)).emit(sampleEvent('e-1', { text: 'ü' }));
    expect(JSON.parse(Buffer.from(payloads[0] ?? '', 'latin1').toString('utf8'))).toMatchObject({ id: 'e-1', data: { text: 'ü' } });
    expect(connects[0]).toMatchObject({ user: 'u', pass: 'p', headers: true });
  });

  it('does not take silence, a refusal or a missing stream for an acknowledgement [JS1]', async () => {
    for (const said of ['503', '{"error":{"description":"full"}}', '{}']) {
      const { url } = await fakeBroker(() => said);
      await expect((await connect(url)).emit(sampleEvent('a'))).rejects.toMatchObject({ code: 'evidence.unwritable' });
    }
  });

  it('connects again when the server went away [JS2]', async () => {
    let asked = 0;
    const { url, ids } = await fakeBroker(() => {
      asked += 1;
      return asked === 1 ? undefined : '{"stream":"S"}';
    });
    await (await connect(url)).emit(sampleEvent('a'));
    expect(ids).toEqual(['a']);
  });

  it('says that nobody is there, and tells no password', async () => {
    await expect(connect('nats://u:SECRET@127.0.0.1:9')).rejects.toThrow(/^Cannot connect to JetStream: ECONNREFUSED$/);
    await expect(connect('not a url')).rejects.toMatchObject({ code: 'config.invalid' });
  });
});

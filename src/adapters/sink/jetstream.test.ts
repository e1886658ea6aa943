import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { endBrokers, fakeBroker } from '../../../test/fake-broker.ts';
import { eventSinkContract, sampleEvent } from '../../testing/contracts/event-sink.ts';
import { fakeRandom } from '../../testing/index.ts';
import { systemClock } from '../os/clock.ts';
import { connectJetStream } from './jetstream.ts';

afterEach(endBrokers);

const connect = (url: string, subject = 'cellos.events.v1') => connectJetStream({ url, subject, connectTimeoutMs: 5_000, clock: systemClock, random: fakeRandom() });

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

  it('does not wait for ever for a server that says nothing more, encrypted or not', async () => {
    for (const greeting of ['INFO {"tls_required":true}\r\n', 'INFO {}\r\n', '']) {
      const silent = createServer((socket) => void socket.on('error', () => undefined).write(greeting));
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const url = `nats://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      await expect(connectJetStream({ url, subject: 'a', connectTimeoutMs: 100, clock: systemClock, random: fakeRandom() })).rejects.toThrow('no answer within 100 ms');
      silent.close();
    }
  });

  it('publishes under the subject of the tenant of an event, and under nothing that is none [JS3]', async () => {
    const { url, subjects } = await fakeBroker();
    const sink = await connect(url, 'ev.{tenantId}');
    await sink.emit(sampleEvent('a', { tenantId: 'acme' }));
    await sink.emit(sampleEvent('b'));
    expect(subjects).toEqual(['ev.acme', 'ev.single']);
    for (const tenantId of ['a.b', '*', '>', '', 'x 0\r\nPUB other 0\r\n']) await expect(sink.emit(sampleEvent('c', { tenantId }))).rejects.toMatchObject({ code: 'evidence.unwritable' });
    for (const subject of ['', 'a b', 'a.>', 'a..b', 'a\r\nPUB b 0']) await expect(connect(url, subject)).rejects.toMatchObject({ code: 'config.invalid' });
    expect(subjects).toHaveLength(2);
  });
});

import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startNatsServer, stopNatsServers } from '../../../test/nats-server.ts';
import { eventSinkContract, sampleEvent } from '../../testing/contracts/event-sink.ts';
import { systemClock } from '../os/clock.ts';
import { connectJetStream, type JetStream } from './jetstream.ts';

const sinks: JetStream[] = [];
afterEach(async () => {
  await Promise.all(sinks.splice(0).map((sink) => sink.close()));
  await stopNatsServers();
});

async function connect(url: string, options: { readonly subject?: string; readonly caFile?: string; readonly ackTimeoutMs?: number } = {}): Promise<JetStream> {
  const sink = await connectJetStream({ url, subject: 'cellos.events.v1', connectTimeoutMs: 5_000, clock: systemClock, ...options });
  sinks.push(sink);
  return sink;
}

/** A server that keeps what is published under `cellos.` */
async function withStream(limits?: { readonly messagesMax: number }): ReturnType<typeof startNatsServer> {
  const server = await startNatsServer();
  await server.keep(['cellos.>'], limits);
  return server;
}

describe('JetStream keeps the contract of an event sink', () => {
  for (const [at, { name }] of eventSinkContract(() => ({}) as never).entries()) {
    it(name, async () => {
      const server = await withStream();
      const [sink, next] = [await connect(server.url), await connect(server.url)];
      const delivered = async () => (await server.messages()).map(({ id }) => id);
      await eventSinkContract(() => ({ sink, reopen: () => next, delivered, break: () => server.stop() }))[at]?.run();
    });
  }
});

describe('connectJetStream()', () => {
  it('sends the event as it is, once under its id', async () => {
    const server = await withStream();
    const sink = await connect(server.url);
    for (const id of ['e-1', 'e-2', 'e-1']) await sink.emit(sampleEvent(id, { text: 'ü' }));
    const messages = await server.messages();
    expect(messages.map(({ id, subject }) => [id, subject])).toEqual([['e-1', 'cellos.events.v1'], ['e-2', 'cellos.events.v1']]);
    expect(JSON.parse(messages[0]?.payload ?? '')).toMatchObject({ id: 'e-1', data: { text: 'ü' } });
  });

  it('does not take a missing stream, a full one or silence for an acknowledgement [JS1]', async () => {
    const server = await withStream({ messagesMax: 1 });
    await expect((await connect(server.url, { subject: 'other' })).emit(sampleEvent('a'))).rejects.toThrow(/no stream takes this subject: make one$/);
    const sink = await connect(server.url);
    await sink.emit(sampleEvent('a'));
    await expect(sink.emit(sampleEvent('b'))).rejects.toThrow(/the stream refused it: maximum messages exceeded$/);
    server.client.subscribe('silent');
    await expect((await connect(server.url, { subject: 'silent', ackTimeoutMs: 50 })).emit(sampleEvent('c'))).rejects.toThrow(/no acknowledgement within 50 ms$/);
    expect((await server.messages()).map(({ id }) => id)).toEqual(['a']);
  });

  it('does not take the answer of someone who is no stream for an acknowledgement [JS1]', async () => {
    const server = await startNatsServer();
    const answers = ['{}', '{"stream":1,"seq":1}', '{"stream":""}', '[]', 'yes', ''];
    for (const [at, answer] of answers.entries()) {
      server.client.subscribe(`s.${at}`, {
        callback: (_, message) => {
          message.respond(answer);
        },
      });
      await server.client.flush();
      await expect((await connect(server.url, { subject: `s.${at}` })).emit(sampleEvent('a')), answer).rejects.toMatchObject({ code: 'evidence.unwritable' });
    }
  });

  it('connects again when the server went away [JS2]', async () => {
    const server = await withStream();
    const sink = await connect(server.url);
    await sink.emit(sampleEvent('a'));
    await server.restart();
    await sink.emit(sampleEvent('b'));
    expect((await server.messages()).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('says what is wrong with a server or an address, and tells no password', async () => {
    await expect(connect('nats://u:SECRET@127.0.0.1:9')).rejects.toThrow(/^Cannot connect to JetStream: connection refused$/);
    const server = await startNatsServer();
    await expect(connect(server.url.replace('u:p@', 'u:SECRET@'))).rejects.toThrow(/^Cannot connect to JetStream: Authorization Violation$/);
    for (const url of ['not a url', 'http://127.0.0.1:1', 'nats://[::1']) await expect(connect(url), url).rejects.toMatchObject({ code: 'config.invalid' });
  });

  it('uses TLS when the server speaks it, and no server without when the address or a root asks for it [JS4]', async () => {
    const secure = await startNatsServer({ tls: 'address' });
    await secure.keep(['cellos.>']);
    for (const url of [secure.url, secure.url.replace('nats:', 'tls:')]) await (await connect(url, { caFile: 'test/tls/root.pem' })).emit(sampleEvent(url));
    expect(await secure.messages()).toHaveLength(2);
    await expect(connect(secure.url)).rejects.toThrow(/unable to verify the first certificate/);

    const server = await startNatsServer();
    await expect(connect(server.url.replace('nats:', 'tls:'))).rejects.toThrow(/server does not support 'tls'/);
    await expect(connect(server.url, { caFile: 'test/tls/root.pem' })).rejects.toThrow(/server does not support 'tls'/);
    await expect(connect(server.url, { caFile: 'no/such.pem' })).rejects.toMatchObject({ code: 'config.invalid' });
  });

  it('takes the certificate of another host from no server, also when it is named by its address [JS4]', async () => {
    const elsewhere = await startNatsServer({ tls: 'name' });
    await expect(connect(elsewhere.url, { caFile: 'test/tls/root.pem' })).rejects.toThrow(/127\.0\.0\.1 is not in the cert's list/);
  });

  it('does not wait for ever for a server that says nothing more, encrypted or not', async () => {
    for (const greeting of ['INFO {"version":"2.9.10","tls_required":true}\r\n', 'INFO {"version":"2.9.10"}\r\n', '']) {
      const silent = createServer((socket) => void socket.on('error', () => undefined).write(greeting));
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const url = `nats://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      await expect(connectJetStream({ url, subject: 'a', connectTimeoutMs: 100, clock: systemClock }), greeting).rejects.toThrow(/^Cannot connect to JetStream: timeout$/);
      silent.close();
    }
  });

  it('publishes under the subject of the tenant of an event, and under nothing that is none [JS3]', async () => {
    const server = await withStream();
    const sink = await connect(server.url, { subject: 'cellos.{tenantId}' });
    await sink.emit(sampleEvent('a', { tenantId: 'acme' }));
    await sink.emit(sampleEvent('b'));
    for (const tenantId of ['a.b', '*', '>', '', 'x 0\r\nPUB other 0\r\n']) await expect(sink.emit(sampleEvent('c', { tenantId }))).rejects.toMatchObject({ code: 'evidence.unwritable' });
    for (const subject of ['', 'a b', 'a.>', 'a..b', 'a\r\nPUB b 0']) await expect(connect(server.url, { subject })).rejects.toMatchObject({ code: 'config.invalid' });
    expect((await server.messages()).map(({ subject }) => subject)).toEqual(['cellos.acme', 'cellos.single']);
  });
});

import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventSinkContract, sampleEvent } from '../../testing/contracts/event-sink.ts';
import { fakeRandom } from '../../testing/index.ts';
import { systemClock } from '../os/clock.ts';
import { connectJetStream } from './jetstream.ts';

const servers: { server: Server; sockets: Set<Socket> }[] = [];
function endAll(): void {
  for (const { server, sockets } of servers.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}
afterEach(endAll);

/** A server with one stream: acknowledges, or answers what the test says. */
async function broker(answer: (count: number) => string | undefined = (count) => JSON.stringify({ stream: 'S', seq: count })): Promise<{ url: string; ids: string[]; payloads: string[]; connects: Record<string, unknown>[] }> {
  const ids: string[] = [];
  const payloads: string[] = [];
  const connects: Record<string, unknown>[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.write('INFO {"server_id":"x","headers":true}\r\n');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end);
        const [, , inbox, head = '0', total = '0'] = line.split(' ');
        if (line.startsWith('HPUB ') && text.length < end + 4 + Number(total)) return;
        if (line.startsWith('CONNECT ')) connects.push(JSON.parse(line.slice(8)) as Record<string, unknown>);
        if (line === 'PING') socket.write('PONG\r\n');
        if (!line.startsWith('HPUB ')) {
          text = text.slice(end + 2);
          continue;
        }
        const body = text.slice(end + 2, end + 2 + Number(total));
        text = text.slice(end + 4 + Number(total));
        const said = answer(ids.length + 1);
        if (said === undefined) {
          socket.destroy();
          return;
        }
        if (said.startsWith('{"stream"')) {
          ids.push(/Nats-Msg-Id: (.*)\r/.exec(body)?.[1] ?? '');
          payloads.push(body.slice(Number(head)));
        }
        if (said === '503') socket.write(`HMSG ${inbox} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`);
        else socket.write(`MSG ${inbox} 1 ${said.length}\r\n${said}\r\n`);
      }
    });
  });
  servers.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `nats://u:p@127.0.0.1:${(server.address() as AddressInfo).port}`, ids, payloads, connects };
}

const connect = (url: string) => connectJetStream({ url, subject: 'cellos.events.v1', connectTimeoutMs: 5_000, clock: systemClock, random: fakeRandom() });

describe('JetStream keeps the contract of an event sink', () => {
  for (const [at, { name }] of eventSinkContract(() => ({}) as never).entries()) {
    it(name, async () => {
      const { url, ids } = await broker();
      const [sink, next] = [await connect(url), await connect(url)];
      await eventSinkContract(() => ({ sink, reopen: () => next, delivered: async () => ids, break: endAll }))[at]?.run();
    });
  }
});

describe('connectJetStream()', () => {
  it('sends the event as it is, under its id, and signs in as the address says [JS1]', async () => {
    const { url, payloads, connects } = await broker();
    await (await connect(url)).emit(sampleEvent('e-1', { text: 'ü' }));
    expect(JSON.parse(Buffer.from(payloads[0] ?? '', 'latin1').toString('utf8'))).toMatchObject({ id: 'e-1', data: { text: 'ü' } });
    expect(connects[0]).toMatchObject({ user: 'u', pass: 'p', headers: true });
  });

  it('does not take silence, a refusal or a missing stream for an acknowledgement [JS1]', async () => {
    for (const said of ['503', '{"error":{"description":"full"}}', '{}']) {
      const { url } = await broker(() => said);
      await expect((await connect(url)).emit(sampleEvent('a'))).rejects.toMatchObject({ code: 'evidence.unwritable' });
    }
  });

  it('connects again when the server went away [JS2]', async () => {
    let asked = 0;
    const { url, ids } = await broker(() => {
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

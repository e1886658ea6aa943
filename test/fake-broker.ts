/** As much of a NATS server with one stream as a test takes, on loopback. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface FakeBroker {
  readonly url: string;
  /** Message ids that were acknowledged, in order, and what was sent under them. */
  readonly ids: string[];
  readonly payloads: string[];
  readonly subjects: string[];
  /** How clients have signed in. */
  readonly connects: Record<string, unknown>[];
}

const servers: { server: Server; sockets: Set<Socket> }[] = [];

export function endBrokers(): void {
  for (const { server, sockets } of servers.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}

/** Acknowledges, or answers what the test says; undefined: hangs up. */
export async function fakeBroker(answer: (count: number) => string | undefined = (count) => JSON.stringify({ stream: 'S', seq: count })): Promise<FakeBroker> {
  const ids: string[] = [];
  const payloads: string[] = [];
  const subjects: string[] = [];
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
        const [, subject = '', inbox, head = '0', total = '0'] = line.split(' ');
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
          subjects.push(subject);
          payloads.push(body.slice(Number(head)));
        }
        if (said === '503') socket.write(`HMSG ${inbox} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n`);
        else socket.write(`MSG ${inbox} 1 ${said.length}\r\n${said}\r\n`);
      }
    });
  });
  servers.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `nats://u:p@127.0.0.1:${(server.address() as AddressInfo).port}`, ids, payloads, subjects, connects };
}

/** A real NATS server with JetStream on loopback, of a port of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';

const PROGRAM = `${process.cwd()}/.tools/nats/usr/sbin/nats-server`;

export interface StoredMessage {
  readonly subject: string;
  /** Its `Nats-Msg-Id`. */
  readonly id: string;
  readonly payload: string;
}

export interface NatsServer {
  /** With the user and the password of the server. */
  readonly url: string;
  /** A client of the test, without limits. */
  readonly client: NatsConnection;
  /** Makes the stream that keeps these subjects. */
  keep(subjects: readonly string[], limits?: { readonly messagesMax: number }): Promise<void>;
  /** What the stream keeps, in order. */
  messages(): Promise<readonly StoredMessage[]>;
  /** Ends the server, and starts it again at the same port with what it has stored. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const running: { stop(): Promise<void> }[] = [];

/** Ends what the tests of this file have started. */
export async function stopNatsServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.stop()));
}

/** Port of the server, once it is ready; what it says is read to its end. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const [, port] = /client connections on 127\.0\.0\.1:(\d+)[\s\S]*Server is ready/.exec(said) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
    child.once('exit', () => reject(new Error(`nats-server ended: ${said}`)));
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await closed;
}

/** With `tls`, under that certificate of test/tls: one for 127.0.0.1 or one for `localhost`. */
export async function startNatsServer({ tls }: { readonly tls?: 'address' | 'name' } = {}): Promise<NatsServer> {
  if (!existsSync(PROGRAM)) throw new Error(`No ${PROGRAM}: npm test fetches it`);
  const folder = mkdtempSync(`${tmpdir()}/cellos-nats-`);
  let child: ChildProcess;
  const start = async (port: number): Promise<number> => {
    child = spawn(PROGRAM, ['-js', '-sd', folder, '-a', '127.0.0.1', '-p', String(port), '--user', 'u', '--pass', 'p', ...(tls === undefined ? [] : ['--tls', '--tlscert', `test/tls/${tls}.pem`, '--tlskey', 'test/tls/server.key'])], { stdio: ['ignore', 'ignore', 'pipe'] });
    return portOf(child);
  };
  const port = await start(-1);
  const connected = (): Promise<NatsConnection> => connect({ servers: `127.0.0.1:${port}`, user: 'u', pass: 'p', reconnect: false, ...(tls === undefined ? {} : { tls: { rejectUnauthorized: false } as object }) });
  let client = await connected();
  const server = {
    url: `nats://u:p@127.0.0.1:${port}`,
    get client() {
      return client;
    },
    async keep(subjects: readonly string[], { messagesMax }: { readonly messagesMax?: number } = {}) {
      const manager = await jetstreamManager(client);
      await manager.streams.add({ name: 'S', subjects: [...subjects], ...(messagesMax === undefined ? {} : { max_msgs: messagesMax, discard: 'new' }) });
    },
    async messages() {
      const manager = await jetstreamManager(client);
      const { state } = await manager.streams.info('S');
      const found: StoredMessage[] = [];
      for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
        const message = await manager.streams.getMessage('S', { seq });
        if (message !== null) found.push({ subject: message.subject, id: message.header.get('Nats-Msg-Id'), payload: Buffer.from(message.data).toString('utf8') });
      }
      return found;
    },
    async restart() {
      await ended(child);
      await start(port);
      client = await connected();
    },
    async stop() {
      await client.close();
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  running.push(server);
  return server;
}

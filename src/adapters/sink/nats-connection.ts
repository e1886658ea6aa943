/**
 * As much of a NATS client as publishing to a stream takes: connect, publish with a reply inbox, read the acknowledgement.
 *
 *   N1  what the server sends is bounded: line and message have a limit, beyond which the connection is given up;
 *   N2  a connection that is lost fails everything that waits on it; it is not mended here: its owner makes another.
 */
import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, rootCertificates } from 'node:tls';
import { concatBytes, decodeUtf8Lossy, utf8 } from '../../base/bytes.ts';
import { CellError, errnoOf } from '../../base/errors.ts';

export interface NatsOptions {
  /** `nats://`, `tls://`, or host and port alone; user and password, or a token, before `@`. */
  readonly url: string;
  readonly caFile?: string;
  readonly connectTimeoutMs: number;
}

/** N1 */
const LINE_BYTES_MAX = 64 * 1024;
const MESSAGE_BYTES_MAX = 1024 * 1024;

interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly auth: Readonly<Record<string, string>>;
}

function addressOf(text: string): Address {
  const full = text.includes('://') ? text : `nats://${text}`;
  if (!URL.canParse(full)) throw new CellError('config.invalid', 'Cannot use NATS_URL: it is not an address');
  const url = new URL(full);
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') throw new CellError('config.invalid', `Cannot use NATS_URL: its scheme is ${url.protocol.slice(0, -1)}, not nats or tls`);
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const auth: Record<string, string> = user === '' ? {} : pass === '' ? { auth_token: user } : { user, pass };
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 4222 : Number(url.port), tls: url.protocol === 'tls:', auth };
}

export interface NatsMessage {
  /** First line of its headers, without the version: `503`. */
  readonly status: string;
  readonly payload: string;
}

export class NatsConnection {
  #socket: Socket;
  #waiting = new Uint8Array(0);
  #inbox = '';
  #lost: Error | undefined;
  #replies = 0;
  readonly #pending = new Map<string, PromiseWithResolvers<NatsMessage>>();
  readonly #info = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  #pong = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#info.promise.catch(() => undefined);
    this.#pong.promise.catch(() => undefined);
    this.#listen(socket);
  }

  /** @throws Error with a text that names no credential */
  static async open(options: NatsOptions, inbox: string): Promise<NatsConnection> {
    const address = addressOf(options.url);
    const socket = connectTcp({ host: address.host, port: address.port });
    const connection = new NatsConnection(socket);
    const timer = setTimeout(() => connection.#fail(new Error(`no answer within ${options.connectTimeoutMs} ms`)), options.connectTimeoutMs);
    try {
      await connection.#greet(address, options, inbox);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #greet(address: Address, options: NatsOptions, inbox: string): Promise<void> {
    const info = await this.#info.promise;
    if (address.tls || info['tls_required'] === true) await this.#secure(address.host, options.caFile);
    this.#inbox = inbox;
    this.#socket.write(`CONNECT ${JSON.stringify({ verbose: false, pedantic: false, lang: 'cellos', version: '1', protocol: 1, headers: true, no_responders: true, ...address.auth })}\r\nSUB ${inbox}.* 1\r\nPING\r\n`);
    await this.#pong.promise;
  }

  async #secure(host: string, caFile: string | undefined): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners();
    const ca = caFile === undefined ? {} : { ca: [...rootCertificates, readFileSync(caFile, 'utf8')] };
    const secured = connectTls({ socket: plain, host, ...(isIP(host) === 0 ? { servername: host } : {}), ...ca });
    this.#socket = secured;
    this.#listen(secured);
    const done = Promise.withResolvers<void>();
    secured.once('secureConnect', done.resolve);
    secured.once('error', done.reject);
    secured.once('close', () => done.reject(this.#lost ?? new Error('the server closed the connection')));
    await done.promise;
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      try {
        this.#read(chunk);
      } catch (error) {
        this.#fail(error as Error);
      }
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  #fail(error: Error): void {
    this.#lost ??= errnoOf(error) === undefined ? error : new Error(errnoOf(error));
    this.#info.reject(this.#lost);
    this.#pong.reject(this.#lost);
    for (const reply of this.#pending.values()) reply.reject(this.#lost);
    this.#pending.clear();
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    this.#waiting = Uint8Array.from(concatBytes([this.#waiting, chunk]));
    for (;;) {
      const end = this.#waiting.indexOf(10);
      if (end < 0) {
        if (this.#waiting.byteLength > LINE_BYTES_MAX) throw new Error('the server sent a line without end');
        return;
      }
      const line = decodeUtf8Lossy(this.#waiting.subarray(0, end)).trimEnd();
      const size = /^(?:MSG|HMSG) /.test(line) ? Number(line.split(' ').at(-1)) : 0;
      if (!(size >= 0 && size <= MESSAGE_BYTES_MAX)) throw new Error('the server sent a message beyond the limit');
      const whole = end + 1 + (size > 0 || line.includes('MSG ') ? size + 2 : 0);
      if (this.#waiting.byteLength < whole) return;
      const body = this.#waiting.subarray(end + 1, end + 1 + size);
      this.#waiting = this.#waiting.slice(whole);
      this.#onLine(line, body);
    }
  }

  #onLine(line: string, body: Uint8Array): void {
    if (line.startsWith('INFO ')) this.#info.resolve(JSON.parse(line.slice(5)) as Record<string, unknown>);
    else if (line === 'PING') this.#socket.write('PONG\r\n');
    else if (line === 'PONG') this.#pong.resolve();
    else if (line.startsWith('-ERR')) throw new Error(`the server said ${line.slice(4).trim().slice(0, 100)}`);
    else if (/^H?MSG /.test(line)) this.#onMessage(line.split(' '), body);
  }

  #onMessage(words: readonly string[], body: Uint8Array): void {
    const reply = this.#pending.get(words[1] ?? '');
    this.#pending.delete(words[1] ?? '');
    const headers = words[0] === 'HMSG' ? Number(words.at(-2)) : 0;
    const status = headers > 0 ? (decodeUtf8Lossy(body.subarray(0, headers)).split('\r\n')[0]?.split(' ')[1] ?? '') : '';
    reply?.resolve({ status, payload: decodeUtf8Lossy(body.subarray(headers)) });
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Publishes, and waits for who answers. @throws Error */
  async request(subject: string, headers: Readonly<Record<string, string>>, payload: Uint8Array, timeoutMs: number): Promise<NatsMessage> {
    if (this.#lost !== undefined) throw this.#lost;
    this.#replies += 1;
    const inbox = `${this.#inbox}.${this.#replies}`;
    const answer = Promise.withResolvers<NatsMessage>();
    this.#pending.set(inbox, answer);
    const head = utf8(`NATS/1.0\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    this.#socket.write(concatBytes([utf8(`HPUB ${subject} ${inbox} ${head.byteLength} ${head.byteLength + payload.byteLength}\r\n`), head, payload, utf8('\r\n')]));
    const timer = setTimeout(() => answer.reject(new Error(`no acknowledgement within ${timeoutMs} ms`)), timeoutMs);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(inbox);
    }
  }

  close(): void {
    this.#lost ??= new Error('the connection is closed');
    this.#socket.destroy();
  }
}


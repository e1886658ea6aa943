/**
 * The runtime secret socket of one cell, byte for byte the protocol of reference/03 §9.3: one JSON line each way, one request a connection.
 *
 *   K1  checks in this order: shape (no answer), token (constant time), key, expiry, value;
 *   K2  line length, waiting time and connections are bounded; the folder belongs to the cell's user alone.
 */
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { utf8 } from '../../base/bytes.ts';
import { constantTimeEqual, sha256 } from '../../base/crypto.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { uuidV4 } from '../../base/ids.ts';
import { LIMITS } from '../../base/limits.ts';
import { Secret } from '../../base/secret.ts';
import { rustDebug } from '../../base/rust-debug.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { SecretChannel, SecretListener } from '../../ports/secret-channel.ts';

export interface SecretSocketOptions {
  /** Made here; removed on close. */
  readonly directory: string;
  /** The cell's user on this host; undefined: our own. */
  readonly hostUid?: number;
  readonly delivery: 'runtimeBroker' | 'runtimeLeasedBroker';
  readonly listener: SecretListener;
  readonly ttlMs: number;
  /** Where the cell sees the socket, when not beneath /run. */
  readonly pathInCell?: string;
  readonly clock: Clock;
  readonly random: Random;
}

interface SecretRequest {
  readonly token: string;
  readonly key: string;
}

function parseRequest(line: string): SecretRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const [token, key] = Array.isArray(value) ? (value.length === 2 ? value : []) : typeof value === 'object' && value !== null ? [(value as SecretRequest).token, (value as SecretRequest).key] : [];
  return typeof token === 'string' && typeof key === 'string' ? { token, key } : undefined;
}

/** Answers one request line; undefined: the connection is closed without an answer. */
export async function answerSecretRequest(line: string, session: { token: string; expired: (key: string) => boolean; listener: SecretListener }): Promise<Uint8Array | undefined> {
  const { listener } = session;
  const request = parseRequest(line);
  const error = (text: string): Uint8Array => utf8(`${JSON.stringify({ error: text })}\n`);
  if (request === undefined) {
    listener.refused('', 'malformed');
    return undefined;
  }
  // Hashed first, so that neither content nor length of the token shows in the time taken.
  if (!constantTimeEqual(sha256(utf8(request.token)), sha256(utf8(session.token)))) {
    listener.refused(request.key, 'unauthorized');
    return error('unauthorized');
  }
  if (!listener.knows(request.key)) {
    listener.refused(request.key, 'unknown');
    return error(`unknown secret key ${rustDebug(request.key)}`);
  }
  if (session.expired(request.key)) {
    listener.refused(request.key, 'expired');
    return error('secret expired');
  }
  try {
    const secret = await listener.read(request.key);
    return utf8(`${JSON.stringify({ value: Buffer.from(secret.reveal()).toString('utf8') })}\n`);
  } catch (failure) {
    listener.refused(request.key, 'failed');
    return error(messageOf(failure));
  }
}

function serve(socket: Socket, answer: (line: string) => Promise<Uint8Array | undefined>): void {
  let text = '';
  let asked = false;
  const ask = (line: string): void => {
    if (asked) return;
    asked = true;
    answer(line).then(
      (bytes) => (bytes === undefined ? socket.destroy() : socket.end(bytes)),
      () => socket.destroy(),
    );
  };
  socket.setTimeout(LIMITS.secretRequestTimeoutMs, () => socket.destroy());
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    text += chunk;
    const end = text.indexOf('\n');
    if (end >= 0) ask(text.slice(0, end));
    else if (text.length > LIMITS.secretRequestBytesMax) socket.destroy();
  });
  socket.on('end', () => (text === '' ? socket.destroy() : ask(text)));
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve());
  });
}

/** @throws CellError `secret.broker` */
export async function openSecretSocket(options: SecretSocketOptions): Promise<SecretChannel> {
  const { directory, listener, clock } = options;
  const token = uuidV4(options.random.bytes(16));
  const openedMs = clock.monotonicMs();
  const expired = (key: string): boolean => clock.monotonicMs() >= openedMs + Math.min(options.ttlMs, listener.ttlMs?.(key) ?? options.ttlMs);
  const path = `${directory}/broker.sock`;
  if (Buffer.byteLength(path) > 107) throw new CellError('secret.broker', `Cannot open the secret socket: its path has more than 107 bytes (${path}); use a shorter state folder`);
  const failed = (error: unknown): CellError => new CellError('secret.broker', `Cannot open the secret socket: ${messageOf(error)}`, { cause: error });
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    throw failed(error);
  }
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(socket, (line) => answerSecretRequest(line, { token, expired, listener })));
  server.maxConnections = LIMITS.secretConnectionsMax;
  try {
    await listen(server, path);
    chmodSync(path, 0o600);
    if (options.hostUid !== undefined) for (const name of [path, directory]) chownSync(name, options.hostUid, options.hostUid);
  } catch (error) {
    server.close();
    rmSync(directory, { recursive: true, force: true });
    throw failed(error);
  }
  return {
    directory,
    variables: new Map(
      Object.entries({ CELLOS_SECRET_DELIVERY: options.delivery, CELLOS_RUNTIME_SECRET_SOCKET: options.pathInCell ?? '/run/cellos/secrets/broker.sock', CELLOS_RUNTIME_SECRET_TOKEN: token }).map(([name, value]) => [name, new Secret(utf8(value))]),
    ),
    async close() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(directory, { recursive: true, force: true });
      return { probe: 'socket', result: 'clean', detail: 'the secret socket is closed and its folder removed' };
    },
  };
}

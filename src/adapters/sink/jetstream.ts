/**
 * Events to a JetStream stream (reference/07 §8): the payload and the subject are the reference's.
 *
 *   JS1  an event counts as delivered when the stream has acknowledged it; its id is the message id, so that what is sent again is kept once;
 *   JS2  a lost connection is made again for the next event; an event is tried three times, unless the stream has refused it;
 *   JS3  nothing is published under what is no subject: a document that names a tenant can neither write into the protocol nor reach another's subject;
 *   JS4  an address that asks for TLS is never used without, and no server is used beside the one that was named.
 */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { JetStreamApiError, jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { utf8 } from '../../base/bytes.ts';
import { CellError, errnoOf, messageOf } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import { eventText } from '../../core/events/envelope-codec.ts';
import { isSubject, isSubjectToken, resolveTenantSubject } from '../../core/events/subject.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';

export interface JetStreamOptions {
  /** `nats://`, `tls://`, or host and port alone; user and password, or a token, before `@`. */
  readonly url: string;
  /** More roots for TLS, as PEM. */
  readonly caFile?: string;
  readonly connectTimeoutMs: number;
  /** How long the stream may take to acknowledge an event. Default 5 s. */
  readonly ackTimeoutMs?: number;
  /** `{tenantId}` stands for the tenant of an event, or `single`. */
  readonly subject: string;
  readonly clock: Clock;
}

const ACK_TIMEOUT_MS = 5_000;
const WAITS_MS = [100, 400] as const;

/** The stream has decided: to try again is of no use. */
class Refused extends Error {}

function readRoots(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CellError('config.invalid', `Cannot read the certificates of NATS_CA_FILE, ${path}: ${errnoOf(error) ?? messageOf(error)}`, { cause: error });
  }
}

interface Address {
  readonly options: NodeConnectionOptions;
  /** For TLS: the host that a certificate has to be for, and its roots. */
  readonly tls: object;
  readonly tlsRequired: boolean;
}

function addressOf({ url: text, caFile, connectTimeoutMs }: JetStreamOptions): Address {
  const full = text.includes('://') ? text : `nats://${text}`;
  if (!URL.canParse(full)) throw new CellError('config.invalid', 'Cannot use NATS_URL: it is not an address');
  const url = new URL(full);
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') throw new CellError('config.invalid', `Cannot use NATS_URL: its scheme is ${url.protocol.slice(0, -1)}, not nats or tls`);
  const [user, pass] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const auth = user === '' ? {} : pass === '' ? { token: user } : { user, pass };
  return {
    options: { ...auth, servers: [`${url.hostname}:${url.port === '' ? 4222 : url.port}`], timeout: connectTimeoutMs, reconnect: false, ignoreClusterUpdates: true, name: 'cellos' },
    // Told no host, the client takes a certificate for `localhost` from any server that is named by its address.
    tls: { host: url.hostname.replace(/^\[|\]$/g, ''), ...(caFile === undefined ? {} : { ca: [...rootCertificates, readRoots(caFile)] }) },
    tlsRequired: url.protocol === 'tls:' || caFile !== undefined,
  };
}

/** JS4: encrypted whenever the server speaks TLS, and in the clear only when nothing asks for it. */
async function open(options: JetStreamOptions): Promise<NatsConnection> {
  const { options: plain, tls, tlsRequired } = addressOf(options);
  try {
    return await connect({ ...plain, tls });
  } catch (error) {
    if (tlsRequired || messageOf(error) !== "server does not support 'tls'") throw error;
    return connect({ ...plain, tls: null });
  }
}

function reasonOf(error: unknown, ackTimeoutMs: number): string {
  if (error instanceof Error && error.name === 'JetStreamNotEnabled') return 'no stream takes this subject: make one';
  if (error instanceof JetStreamApiError) return `the stream refused it: ${error.message}`;
  if (error instanceof Error && error.name === 'TimeoutError') return `no acknowledgement within ${ackTimeoutMs} ms`;
  return messageOf(error);
}

const isFinal = (error: unknown): boolean => error instanceof Refused || error instanceof JetStreamApiError || (error instanceof Error && error.name === 'JetStreamNotEnabled');

/** A sink that also takes what is no event. */
export interface JetStream extends EventSink {
  /** @throws CellError `evidence.unwritable` */
  publish(payload: Uint8Array, messageId: string): Promise<void>;
}

class JetStreamSink implements JetStream {
  readonly name = 'jetstream';
  readonly #options: JetStreamOptions;
  readonly #ackTimeoutMs: number;
  #connection: NatsConnection | undefined;

  constructor(options: JetStreamOptions) {
    this.#options = options;
    this.#ackTimeoutMs = options.ackTimeoutMs ?? ACK_TIMEOUT_MS;
  }

  async connect(): Promise<NatsConnection> {
    if (this.#connection === undefined || this.#connection.isClosed()) this.#connection = await open(this.#options);
    return this.#connection;
  }

  async #publish(subject: string, payload: Uint8Array, messageId: string): Promise<void> {
    if (!isSubject(subject)) throw new Refused('this is no subject'); // JS3
    const connection = await this.connect();
    const ack = await jetstream(connection).publish(subject, payload, { msgID: messageId, timeout: this.#ackTimeoutMs }); // JS1
    if (typeof ack.stream !== 'string') throw new Refused('the answer is no acknowledgement');
  }

  async emit(event: CloudEvent): Promise<void> {
    const { subject } = this.#options;
    const tenant = isJsonObject(event.data ?? null) ? (event.data as JsonObject)['tenantId'] : undefined;
    if (subject.includes('{tenantId}') && typeof tenant === 'string' && !isSubjectToken(tenant)) throw new CellError('evidence.unwritable', `Cannot publish an event: its tenant "${tenant}" is no token of a subject`); // JS3
    await this.#publishTo(resolveTenantSubject(subject, event.data), utf8(eventText(event)), event.id);
  }

  publish(payload: Uint8Array, messageId: string): Promise<void> {
    return this.#publishTo(resolveTenantSubject(this.#options.subject, undefined), payload, messageId);
  }

  async #publishTo(subject: string, payload: Uint8Array, messageId: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#publish(subject, payload, messageId);
      } catch (error) {
        const wait = WAITS_MS[attempt];
        if (isFinal(error) || wait === undefined) throw new CellError('evidence.unwritable', `Cannot publish an event to ${JSON.stringify(subject)}: ${reasonOf(error, this.#ackTimeoutMs)}`, { cause: error });
        await new Promise<void>((resolve) => this.#options.clock.after(wait, resolve)); // JS2
      }
    }
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }
}

/** @throws CellError `evidence.unwritable` when the server cannot be reached | `config.invalid` for an address that is none */
export async function connectJetStream(options: JetStreamOptions): Promise<JetStream> {
  if (!isSubject(resolveTenantSubject(options.subject, undefined))) throw new CellError('config.invalid', `Cannot publish events: ${JSON.stringify(options.subject)} is not a subject without wildcards`); // JS3
  const sink = new JetStreamSink(options);
  try {
    await sink.connect();
    return sink;
  } catch (error) {
    if (error instanceof CellError) throw error;
    throw new CellError('evidence.unwritable', `Cannot connect to JetStream: ${messageOf(error)}`, { cause: error });
  }
}

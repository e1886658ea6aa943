/**
 * Events to a JetStream stream (reference/07 §8): the payload and the subject are the reference's.
 *
 *   JS1  an event counts as delivered when the stream has acknowledged it; its id is the message id, so that what is sent again is kept once;
 *   JS2  a lost connection is made again for the next event; an event is tried three times;
 *   JS3  nothing is published under what is no subject: a document that names a tenant can neither write into the protocol nor reach another's subject.
 */
import { toHex, utf8 } from '../../base/bytes.ts';
import { CellError, messageOf } from '../../base/errors.ts';
import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { eventText } from '../../core/events/envelope-codec.ts';
import { isSubject, isSubjectToken, resolveTenantSubject } from '../../core/events/subject.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { EventSink } from '../../ports/event-sink.ts';
import { NatsConnection, type NatsOptions } from './nats-connection.ts';

export interface JetStreamOptions extends NatsOptions {
  /** `{tenantId}` stands for the tenant of an event, or `single`. */
  readonly subject: string;
  readonly clock: Clock;
  readonly random: Random;
}

const ACK_TIMEOUT_MS = 5_000;
const WAITS_MS = [100, 400] as const;

class Refused extends Error {}

function checkAck(status: string, payload: string): void {
  if (status === '503') throw new Refused('no stream takes this subject: make one');
  const ack = JSON.parse(payload) as { stream?: unknown; error?: { description?: unknown } };
  if (ack.error !== undefined) throw new Refused(`the stream refused it: ${String(ack.error.description ?? 'without a reason')}`);
  if (typeof ack.stream !== 'string') throw new Refused('the answer is no acknowledgement');
}

/** A sink that also takes what is no event. */
export interface JetStream extends EventSink {
  /** @throws CellError `evidence.unwritable` */
  publish(payload: Uint8Array, messageId: string): Promise<void>;
}

class JetStreamSink implements JetStream {
  readonly name = 'jetstream';
  readonly #options: JetStreamOptions;
  #connection: NatsConnection | undefined;

  constructor(options: JetStreamOptions) {
    this.#options = options;
  }

  async connect(): Promise<NatsConnection> {
    if (this.#connection === undefined || this.#connection.lost) this.#connection = await NatsConnection.open(this.#options, `_INBOX.${toHex(this.#options.random.bytes(12))}`);
    return this.#connection;
  }

  async #publish(subject: string, payload: Uint8Array, messageId: string): Promise<void> {
    if (!isSubject(subject)) throw new Refused('this is no subject'); // JS3
    const connection = await this.connect();
    const answer = await connection.request(subject, { 'Nats-Msg-Id': messageId }, payload, ACK_TIMEOUT_MS); // JS1
    checkAck(answer.status, answer.payload);
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
        if (error instanceof Refused || wait === undefined) throw new CellError('evidence.unwritable', `Cannot publish an event to ${JSON.stringify(subject)}: ${messageOf(error)}`, { cause: error });
        await new Promise<void>((resolve) => this.#options.clock.after(wait, resolve)); // JS2
      }
    }
  }

  async close(): Promise<void> {
    this.#connection?.close();
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

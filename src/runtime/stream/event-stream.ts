/**
 * The reference's event stream of one run: each event goes to the primary sink, then to the mirror, redacted and signed on its way.
 *
 *   ES1  an event is redacted, then signed, then delivered: what is published always verifies;
 *   ES2  the mirror gets an event only when the primary has it, or keeps it as a dead letter: both hold the same events in the same order;
 *   ES3  what a sink refuses is an error of the run, unless a dead letter was kept.
 */
import { CellError, messageOf } from '../../base/errors.ts';
import { uuidV4 } from '../../base/ids.ts';
import type { JsonObject } from '../../base/json.ts';
import { type EventName, EVENTS } from '../../core/events/catalogue.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import { redactEvent } from '../../core/events/redact.ts';
import { publishedEvent, type SignEnvelope } from '../../core/signing/signing-config.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { DeadLetters, EventSink } from '../../ports/event-sink.ts';

export interface StreamBranch {
  readonly role: 'primary' | 'mirror';
  /** undefined: events of this branch are dropped, as was asked for. */
  readonly sink: EventSink | undefined;
  readonly redact: ReadonlySet<string>;
  readonly sign: SignEnvelope | undefined;
  readonly deadLetters: DeadLetters | undefined;
}

async function deliver(branch: StreamBranch, event: CloudEvent): Promise<void> {
  if (branch.sink === undefined) return;
  try {
    await branch.sink.emit(publishedEvent(event, branch)); // ES1
  } catch (error) {
    const refused = (more: string): CellError => new CellError('evidence.unwritable', `The ${branch.role} event sink refused an event: ${messageOf(error)}${more}`, { cause: error });
    if (branch.deadLetters === undefined) throw refused('');
    try {
      branch.deadLetters.keep(redactEvent(event, branch.redact), messageOf(error)); // ES3
    } catch (lost) {
      throw refused(`; nor could it be kept: ${messageOf(lost)}`);
    }
  }
}

export interface EventStreamOptions {
  readonly branches: readonly StreamBranch[];
  readonly clock: Clock;
  readonly random: Random;
}

export class EventStream {
  readonly #options: EventStreamOptions;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  /** An event with an id and a time, not delivered yet. */
  make(name: EventName, data: JsonObject, cex?: CloudEvent['cex']): CloudEvent {
    const { clock, random } = this.#options;
    return { specversion: '1.0', id: uuidV4(random.bytes(16)), source: 'cellos-supervisor', type: EVENTS[name].type, datacontenttype: 'application/json', data, time: clock.nowRfc3339(), ...(cex === undefined ? {} : { cex }) };
  }

  /** @throws CellError `evidence.unwritable` */
  async deliver(event: CloudEvent): Promise<void> {
    for (const branch of this.#options.branches) await deliver(branch, event); // ES2
  }

  /** @throws CellError `evidence.unwritable` */
  async emit(name: EventName, data: JsonObject, cex?: CloudEvent['cex']): Promise<CloudEvent> {
    const event = this.make(name, data, cex);
    await this.deliver(event);
    return event;
  }

  async close(): Promise<void> {
    for (const { sink } of this.#options.branches) await sink?.close();
  }
}

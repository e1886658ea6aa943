/** Where events of a stream go, one by one and in order. What a sink gets is redacted and signed already. */
import type { CloudEvent } from '../core/events/envelope.ts';

export interface EventSink {
  readonly name: 'jsonl' | 'audit-chain' | 'jetstream';
  /**
   * Settles when the event is where it belongs; the next one is given after that.
   * @throws CellError `evidence.unwritable`; then nothing of the event is there, or a later one finds the place in order
   */
  emit(event: CloudEvent): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** Keeps what a sink could not take. */
export interface DeadLetters {
  /** @param error why the sink refused it. @throws CellError `evidence.unwritable` */
  keep(event: CloudEvent, error: string): void;
}

/** The evidence of one cell while it is made, and its audit. */
import { type FileHandle, open } from 'node:fs/promises';
import { concatBytes } from '../base/bytes.ts';
import { CellError } from '../base/errors.ts';
import { isJsonObject } from '../base/json.ts';
import { parseJson } from '../base/json-parse.ts';
import { auditHere } from '../compose/audit.ts';
import type { OpenRun, StateFolder } from '../compose/local.ts';
import { EVENTS } from '../core/events/catalogue.ts';
import type { CloudEvent, EvidenceTier } from '../core/events/envelope.ts';
import { parseCloudEvent } from '../core/events/envelope-codec.ts';
import type { AuditReport } from '../core/evidence/audit-report.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';

/** One recorded event, with its place in the chain and who saw it. */
export interface CellEvent extends CloudEvent {
  readonly seq: number;
  readonly tier: EvidenceTier;
}

function eventOf(line: Uint8Array): CellEvent {
  const record = parseJson(line);
  const envelope = isJsonObject(record) ? record['envelope'] : undefined;
  if (!isJsonObject(record) || !isJsonObject(envelope)) throw new CellError('evidence.invalid', 'Cannot read a record of the cell: it is not one of ours; somebody else writes to its bundle');
  return { ...parseCloudEvent(envelope['event'] ?? null), seq: Number(record['seq']), tier: record['tier'] as EvidenceTier };
}

const PIECE = 64 * 1024;

export class CellEvidence {
  readonly #run: OpenRun;
  readonly #state: StateFolder;
  readonly #over: Promise<unknown>;
  #isOver = false;

  constructor(run: OpenRun, state: StateFolder, over: Promise<unknown>) {
    this.#run = run;
    this.#state = state;
    this.#over = over.then(() => {
      this.#isOver = true;
    });
  }

  /** Folder of the bundle: what `cellos verify` takes. Complete after `close`. */
  get path(): string {
    return this.#run.bundle.path;
  }

  /**
   * All events of the cell in their order, from the first, then each as it is recorded; ends after the seal. Read from the bundle, so a slow
   * reader costs no memory, and each reader sees all of them.
   */
  async *events(): AsyncGenerator<CellEvent, undefined> {
    const file = await open(`${this.path}/${BUNDLE.records}`, 'r');
    let wake: (() => void) | undefined;
    let news = true;
    const tell = (): void => {
      news = true;
      wake?.();
    };
    const stop = this.#run.session.recorder.onEvent(tell);
    void this.#over.then(tell);
    try {
      const lines = new LineReader(file);
      for (;;) {
        news = false;
        const wasOver = this.#isOver;
        for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
          const event = eventOf(line);
          yield event;
          if (event.type === EVENTS.sealed.type) return;
        }
        if (wasOver) return;
        if (!news) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      stop();
      await file.close();
    }
  }

  /** Audits the bundle as `cellos verify` does; before the cell is closed it is `incomplete-tail`. @param options.trust kid → root key; default: this host's */
  verify(options: { trust?: ReadonlyMap<string, Uint8Array> } = {}): Promise<AuditReport> {
    return auditHere(this.#state, this.path, options.trust);
  }
}

/** Whole lines of a file that grows. */
class LineReader {
  readonly #file: FileHandle;
  readonly #buffer = new Uint8Array(PIECE);
  #rest: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @returns undefined when there is no whole line yet */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(10);
      if (end >= 0) {
        const line = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      const { bytesRead } = await this.#file.read(this.#buffer, 0, PIECE, this.#at);
      if (bytesRead === 0) return undefined;
      this.#at += bytesRead;
      this.#rest = concatBytes([this.#rest, this.#buffer.subarray(0, bytesRead)]);
    }
  }
}

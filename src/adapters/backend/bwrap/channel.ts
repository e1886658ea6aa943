/**
 * The supervisor's end of the control socket: gives each command its streams, keeps the credit, and turns frames into promises.
 *
 *   H1  a stream holds at most its window in memory; more is granted only for what was consumed;
 *   H2  when the socket ends, everything waiting ends with it: `lost`, never a hang.
 */
import type { Duplex } from 'node:stream';
import { utf8 } from '../../../base/bytes.ts';
import { compareCodePoints } from '../../../base/canonical-json.ts';
import { CellError, ignore, isCellError } from '../../../base/errors.ts';
import type { ByteStream, CellFileEntry, CellFiles, CellProcess, ExecRequest, ProcessEnd } from '../../../ports/cell-backend.ts';
import { CellFrameDecoder, type CellFrame, CONTROL, toCell } from '../../../wire/cell-control.ts';
import { ByteQueue } from './byte-queue.ts';

/** Bytes of one output stream in flight or waiting. */
const WINDOW = 512 * 1024;
const STDIN_PIECE = 64 * 1024;

interface Job {
  readonly queues: readonly [ByteQueue, ByteQueue];
  readonly started: PromiseWithResolvers<number | undefined>;
  readonly ended: PromiseWithResolvers<ProcessEnd>;
  /** What has not ended yet, of stdout, stderr and the process. */
  readonly open: Set<0 | 1 | 'process'>;
  stdinCredit: number;
  stdinClosed: boolean;
  wakeStdin: (() => void) | undefined;
}

interface FileRequest {
  readonly onFrame: (frame: CellFrame) => void;
  readonly onLost: (error: CellError) => void;
}

const ERRNO: Readonly<Record<number, string>> = { 1: 'not a regular file', 2: 'it does not exist', 7: 'it has too many entries', 13: 'permission denied', 17: 'it is there already, and is not a folder', 20: 'a part of the path is not a folder', 21: 'it is a folder', 27: 'it is larger than the limit', 24: 'too many files are being read', 28: 'no space is left', 30: 'the folder is read-only', 36: 'the name is too long', 39: 'the folder is not empty', 40: 'a part of the path is a symlink' };

function fileError(verb: string, path: string, errno: number): CellError {
  return new CellError('file.refused', `Cannot ${verb} "${path}" in the cell: ${ERRNO[errno] ?? `error ${errno}`}`, { facts: { path, errno } });
}

const isDone = (answer: CellFrame): true | undefined => (answer.type === 'file-end' ? true : undefined);

export class CellChannel implements CellFiles {
  readonly #socket: Duplex;
  readonly #decoder = new CellFrameDecoder();
  readonly #jobs = new Map<number, Job>();
  readonly #files = new Map<number, FileRequest>();
  readonly #hello = Promise.withResolvers<ReadonlyMap<string, string>>();
  readonly #killed = new Map<number, () => void>();
  #nextId = 1;
  #writing: Promise<void> = Promise.resolve();
  #lost: CellError | undefined;
  /** Settles when the socket has ended. */
  readonly closed: Promise<void>;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.#hello.promise.catch(() => undefined);
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    const gone = (error?: Error): void => {
      this.#onLost(error);
      closed.resolve();
    };
    socket.once('error', gone);
    socket.once('close', () => gone());
    socket.once('end', () => gone());
  }

  get hello(): Promise<ReadonlyMap<string, string>> {
    return this.#hello.promise;
  }

  #send(frame: Uint8Array): boolean {
    return this.#lost === undefined && this.#socket.writable && this.#socket.write(frame);
  }

  #onData(chunk: Uint8Array): void {
    try {
      for (const frame of this.#decoder.push(chunk)) this.#onFrame(frame);
    } catch (error) {
      this.#onLost(isCellError(error) ? error : new CellError('backend.protocol', 'Cannot read what the cell sent', { cause: error }));
      this.#socket.destroy();
    }
  }

  #onLost(cause?: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = isCellError(cause) ? cause : new CellError('backend.failed', 'Cannot reach the cell: its init is gone', { cause });
    this.#hello.reject(this.#lost);
    for (const job of this.#jobs.values()) {
      job.started.resolve(undefined);
      job.ended.resolve({ kind: 'lost', reason: this.#lost.message, durationMs: 0 });
      for (const queue of job.queues) queue.end();
      job.stdinClosed = true;
      job.wakeStdin?.();
    }
    for (const request of this.#files.values()) request.onLost(this.#lost);
    for (const resolve of this.#killed.values()) resolve();
    this.#jobs.clear();
    this.#files.clear();
  }

  #onFrame(frame: CellFrame): void {
    switch (frame.type) {
      case 'hello':
        this.#hello.resolve(frame.fields);
        return;
      case 'killed':
        // The cell answers the last request only, when nothing is left: that settles the earlier ones too.
        for (const [id, resolve] of this.#killed) if (id <= frame.id) resolve();
        return;
      case 'file-data':
      case 'file-end':
      case 'file-error':
      case 'list':
        this.#files.get(frame.id)?.onFrame(frame);
        return;
      default:
        this.#onJobFrame(frame, this.#jobs.get(frame.id));
    }
  }

  #onJobFrame(frame: Exclude<CellFrame, { type: 'hello' | 'killed' | 'file-data' | 'file-end' | 'file-error' | 'list' }>, job: Job | undefined): void {
    if (job === undefined) return;
    switch (frame.type) {
      case 'started':
        job.started.resolve(frame.pid);
        return;
      case 'exec-failed':
        job.started.resolve(undefined);
        for (const queue of job.queues) queue.end();
        job.stdinClosed = true;
        job.wakeStdin?.();
        this.#jobs.delete(frame.id);
        job.ended.resolve({ kind: 'exec-failed', errno: frame.errno, stage: frame.stage, durationMs: 0 });
        return;
      case 'data':
        job.queues[frame.stream].push(frame.data);
        return;
      case 'eof':
        job.queues[frame.stream].end();
        this.#over(frame.id, job, frame.stream);
        return;
      case 'stdin-credit':
        job.stdinCredit += frame.bytes;
        job.wakeStdin?.();
        return;
      case 'exit': {
        const usage = { userMicros: frame.userMicros, systemMicros: frame.systemMicros, maxRssBytes: frame.maxRssBytes };
        const durationMs = Math.round(frame.durationMicros / 1000);
        job.stdinClosed = true;
        job.wakeStdin?.();
        job.ended.resolve(frame.signalled ? { kind: 'signalled', signal: frame.code, coreDumped: frame.coreDumped, durationMs, usage } : { kind: 'exited', code: frame.code, durationMs, usage });
        this.#over(frame.id, job, 'process');
        return;
      }
    }
  }

  /** A job is forgotten when its process and both streams have ended. */
  #over(id: number, job: Job, what: 0 | 1 | 'process'): void {
    job.open.delete(what);
    if (job.open.size === 0) this.#jobs.delete(id);
  }

  /** The cell says nothing more of a stream we closed. */
  #closeOutput(id: number, stream: 0 | 1): void {
    const job = this.#jobs.get(id);
    if (job === undefined || !job.open.has(stream)) return;
    this.#send(toCell.closeOutput(id, stream));
    job.queues[stream].end();
    this.#over(id, job, stream);
  }

  exec(request: ExecRequest): CellProcess {
    const id = this.#nextId++;
    const queue = (stream: 0 | 1): ByteQueue => new ByteQueue({ onTaken: (bytes) => void this.#send(toCell.credit(id, stream, bytes)), onReturn: () => this.#closeOutput(id, stream) });
    const job: Job = { queues: [queue(0), queue(1)], started: Promise.withResolvers(), ended: Promise.withResolvers(), open: new Set([0, 1, 'process']), stdinCredit: 0, stdinClosed: !request.stdin, wakeStdin: undefined };
    if (this.#lost !== undefined) {
      job.stdinClosed = true; // H2: a writer would wait for credit that nobody gives
      job.started.resolve(undefined);
      job.ended.resolve({ kind: 'lost', reason: this.#lost.message, durationMs: 0 });
      for (const one of job.queues) one.end();
    } else {
      const values = new Map<string, Uint8Array>(Object.entries(request.env).map(([key, value]) => [key, utf8(value)]));
      for (const [key, secret] of request.secretEnv ?? []) values.set(key, secret.reveal());
      // Sorted: where a value came from does not show in its place.
      const env = [...values].sort(([a], [b]) => compareCodePoints(a, b)).map(([key, value]) => Buffer.concat([utf8(`${key}=`), value]));
      const frame = toCell.exec(id, { argv: request.argv, env, cwd: request.cwd, stdin: request.stdin });
      this.#jobs.set(id, job);
      this.#send(frame);
      this.#send(toCell.credit(id, 0, WINDOW));
      this.#send(toCell.credit(id, 1, WINDOW));
    }
    return {
      started: job.started.promise,
      ended: job.ended.promise,
      stdout: job.queues[0],
      stderr: job.queues[1],
      writeStdin: (chunk) => this.#writeStdin(id, job, chunk),
      closeStdin: () => {
        if (job.stdinClosed) return;
        job.stdinClosed = true;
        this.#send(toCell.stdinEof(id));
      },
      closeOutput: (stream) => this.#closeOutput(id, stream === 'stdout' ? 0 : 1),
      signal: (signal) => void this.#send(toCell.signal(id, signal)),
    };
  }

  async #writeStdin(id: number, job: Job, chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.byteLength; ) {
      while (job.stdinCredit === 0 && !job.stdinClosed) {
        await new Promise<void>((resolve) => {
          job.wakeStdin = resolve;
        });
      }
      if (job.stdinClosed) return;
      const size = Math.min(STDIN_PIECE, job.stdinCredit, chunk.byteLength - at);
      job.stdinCredit -= size;
      this.#send(toCell.stdin(id, chunk.subarray(at, at + size)));
      at += size;
    }
  }

  async killAll(signal: AbortSignal): Promise<void> {
    if (this.#lost !== undefined) return;
    signal.throwIfAborted();
    const id = this.#nextId++;
    const done = Promise.withResolvers<void>();
    this.#killed.set(id, done.resolve);
    const abort = (): void => done.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#send(toCell.killAll(id));
    try {
      await done.promise;
    } finally {
      signal.removeEventListener('abort', abort);
      this.#killed.delete(id);
    }
  }

  shutdown(): void {
    this.#send(toCell.shutdown());
  }

  read(path: string, options: { sizeBytesMax: number; signal: AbortSignal }): ByteStream {
    const id = this.#nextId++;
    const giveUp = (): void => finish(new CellError('cancelled', `Cannot read "${path}" in the cell: the caller gave up`));
    const stop = (): void => {
      if (this.#files.has(id)) this.#send(toCell.closeOutput(id, 2));
    };
    const queue = new ByteQueue({ onTaken: (bytes) => void this.#send(toCell.credit(id, 2, bytes)), onReturn: giveUp });
    const finish = (error?: CellError): void => {
      if (error?.code === 'cancelled') stop();
      this.#files.delete(id);
      options.signal.removeEventListener('abort', giveUp);
      queue.end(error);
    };
    if (options.signal.aborted) giveUp();
    else if (this.#lost !== undefined) queue.end(this.#lost);
    else {
      this.#files.set(id, {
        onLost: finish,
        onFrame: (frame) => {
          if (frame.type === 'file-data') queue.push(frame.data);
          else finish(frame.type === 'file-error' ? fileError('read', path, frame.errno) : undefined);
        },
      });
      this.#send(toCell.read(id, path, options.sizeBytesMax));
      this.#send(toCell.credit(id, 2, WINDOW));
    }
    options.signal.addEventListener('abort', giveUp, { once: true });
    return queue;
  }

  #ask<T>(verb: string, path: string, frame: (id: number) => Uint8Array, take: (frame: CellFrame) => T | undefined, signal: AbortSignal): Promise<T> {
    const id = this.#nextId++;
    const answer = Promise.withResolvers<T>();
    const giveUp = (): void => answer.reject(new CellError('cancelled', `Cannot ${verb} "${path}" in the cell: the caller gave up`));
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    else if (this.#lost !== undefined) answer.reject(this.#lost);
    else {
      this.#files.set(id, {
        onLost: answer.reject,
        onFrame: (got) => {
          const value = take(got);
          if (value !== undefined) answer.resolve(value);
          else answer.reject(got.type === 'file-error' ? fileError(verb, path, got.errno) : new CellError('backend.protocol', `Cannot ${verb} "${path}" in the cell: unexpected answer`));
        },
      });
      this.#send(frame(id));
    }
    return answer.promise.finally(() => {
      this.#files.delete(id);
      signal.removeEventListener('abort', giveUp);
    });
  }

  /** One after the other: two writers of one file would mix their pieces. */
  write(path: string, data: Uint8Array, options: { signal: AbortSignal }): Promise<void> {
    const written = this.#writing.then(() => this.#write(path, data, options.signal));
    this.#writing = written.catch((error: unknown) => ignore(error, 'its caller is told'));
    return written;
  }

  async #write(path: string, data: Uint8Array, signal: AbortSignal): Promise<void> {
    const size = CONTROL.writePieceBytesMax;
    for (let at = 0, first = true; first || at < data.byteLength; at += size, first = false) {
      const piece = { data: data.subarray(at, at + size), first, last: at + size >= data.byteLength };
      await this.#ask('write', path, (id) => toCell.write(id, path, piece), isDone, signal);
    }
  }

  list(path: string, options: { signal: AbortSignal }): Promise<readonly CellFileEntry[]> {
    return this.#ask('list', path, (id) => toCell.list(id, path), (answer) => (answer.type === 'list' ? answer.entries : undefined), options.signal);
  }

  async makeFolder(path: string, options: { signal: AbortSignal }): Promise<void> {
    await this.#ask('make', path, (id) => toCell.mkdir(id, path), isDone, options.signal);
  }

  async remove(path: string, options: { signal: AbortSignal }): Promise<void> {
    await this.#ask('remove', path, (id) => toCell.remove(id, path), isDone, options.signal);
  }
}

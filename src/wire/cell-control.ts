/**
 * The frames between the supervisor and the init of a cell (native/init.c is the other end): u32 length of what follows, u8 type, u32 id,
 * payload; little-endian. Pure; shared by nothing that holds a key.
 *
 *   W1  a length is checked against its limit before anything is kept;
 *   W2  whatever comes from the cell is data: nothing in it names a host path, a key or an attribution;
 *   W3  a frame that breaks the form throws `backend.protocol`, and the cell is ended.
 */
import { concatBytes, decodeUtf8Lossy, utf8 } from '../base/bytes.ts';
import { CellError } from '../base/errors.ts';

export const CONTROL = {
  version: 1,
  /** Longest frame, bytes, both ways. */
  frameSizeBytesMax: 1024 * 1024,
  /** Most bytes of one piece of a written file. */
  writePieceBytesMax: 512 * 1024,
} as const;

const HOST = { exec: 1, stdin: 2, stdinEof: 3, credit: 4, closeOutput: 5, signal: 6, killAll: 7, read: 8, write: 9, list: 10, shutdown: 11, mkdir: 12, remove: 13 } as const;

function frame(type: number, id: number, payload: readonly Uint8Array[]): Uint8Array {
  const size = payload.reduce((sum, part) => sum + part.byteLength, 0);
  if (size + 5 > CONTROL.frameSizeBytesMax) {
    throw new CellError('backend.protocol', `Cannot send a frame to the cell: it has ${size} bytes, the limit is ${CONTROL.frameSizeBytesMax}`, { facts: { type, size } });
  }
  const head = new Uint8Array(9);
  const view = new DataView(head.buffer);
  view.setUint32(0, size + 5, true);
  head[4] = type;
  view.setUint32(5, id, true);
  return concatBytes([head, ...payload]);
}

function u32(...values: number[]): Uint8Array {
  const out = new Uint8Array(values.length * 4);
  const view = new DataView(out.buffer);
  values.forEach((value, i) => {
    view.setUint32(i * 4, value, true);
  });
  return out;
}

const NUL = new Uint8Array(1);

function cString(text: string): Uint8Array[] {
  if (text.includes('\0')) throw new CellError('backend.protocol', 'Cannot send a text to the cell: it holds a NUL character');
  return [utf8(text), NUL];
}

/** Frames the supervisor sends. */
export const toCell = {
  exec: (id: number, request: { argv: readonly string[]; env: readonly Uint8Array[]; cwd: string; stdin: boolean }): Uint8Array =>
    frame(HOST.exec, id, [
      Uint8Array.of(request.stdin ? 1 : 0),
      u32(request.argv.length, request.env.length),
      ...cString(request.cwd),
      ...request.argv.flatMap(cString),
      ...request.env.flatMap((entry) => [entry, NUL]),
    ]),
  stdin: (id: number, data: Uint8Array): Uint8Array => frame(HOST.stdin, id, [data]),
  stdinEof: (id: number): Uint8Array => frame(HOST.stdinEof, id, []),
  /** stream 0 stdout, 1 stderr, 2 a file being read */
  credit: (id: number, stream: 0 | 1 | 2, bytes: number): Uint8Array => frame(HOST.credit, id, [Uint8Array.of(stream), u32(bytes)]),
  /** stream 2: gives up the file being read */
  closeOutput: (id: number, stream: 0 | 1 | 2): Uint8Array => frame(HOST.closeOutput, id, [Uint8Array.of(stream)]),
  signal: (id: number, signal: number): Uint8Array => frame(HOST.signal, id, [u32(signal)]),
  killAll: (id: number): Uint8Array => frame(HOST.killAll, id, []),
  read: (id: number, path: string, sizeBytesMax: number): Uint8Array => frame(HOST.read, id, [u32(sizeBytesMax % 2 ** 32, Math.floor(sizeBytesMax / 2 ** 32)), ...cString(path)]),
  write: (id: number, path: string, piece: { data: Uint8Array; first: boolean; last: boolean }): Uint8Array =>
    frame(HOST.write, id, [Uint8Array.of((piece.first ? 1 : 0) | (piece.last ? 2 : 0)), ...cString(path), piece.data]),
  list: (id: number, path: string): Uint8Array => frame(HOST.list, id, cString(path)),
  mkdir: (id: number, path: string): Uint8Array => frame(HOST.mkdir, id, cString(path)),
  remove: (id: number, path: string): Uint8Array => frame(HOST.remove, id, cString(path)),
  shutdown: (): Uint8Array => frame(HOST.shutdown, 0, []),
};

export type ExecStage = 'chdir' | 'exec' | 'fork';

/** Frames the cell sends. */
export type CellFrame =
  | { readonly type: 'hello'; readonly fields: ReadonlyMap<string, string> }
  | { readonly type: 'started'; readonly id: number; readonly pid: number }
  | { readonly type: 'exec-failed'; readonly id: number; readonly stage: ExecStage; readonly errno: number }
  | { readonly type: 'data'; readonly id: number; readonly stream: 0 | 1; readonly data: Uint8Array }
  | { readonly type: 'eof'; readonly id: number; readonly stream: 0 | 1 }
  | {
      readonly type: 'exit';
      readonly id: number;
      readonly signalled: boolean;
      /** Exit code, or signal number. */
      readonly code: number;
      readonly coreDumped: boolean;
      readonly durationMicros: number;
      readonly userMicros: number;
      readonly systemMicros: number;
      readonly maxRssBytes: number;
    }
  | { readonly type: 'stdin-credit'; readonly id: number; readonly bytes: number }
  | { readonly type: 'killed'; readonly id: number }
  | { readonly type: 'file-data'; readonly id: number; readonly data: Uint8Array }
  | { readonly type: 'file-end'; readonly id: number }
  | { readonly type: 'file-error'; readonly id: number; readonly errno: number }
  | { readonly type: 'list'; readonly id: number; readonly entries: readonly { name: string; kind: 'file' | 'directory' | 'symlink' | 'other'; sizeBytes: number }[] };

function malformed(what: string): never {
  throw new CellError('backend.protocol', `Cannot read what the cell sent: malformed ${what}; the cell is ended`, { facts: { what } });
}

function helloFields(payload: Uint8Array): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of decodeUtf8Lossy(payload).split('\n')) {
    const at = line.search(/[\t:]/);
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1).trim());
  }
  return fields;
}

function u64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

const KINDS: Readonly<Record<string, 'file' | 'directory' | 'symlink' | 'other'>> = { f: 'file', d: 'directory', l: 'symlink', o: 'other' };

function listEntries(payload: Uint8Array, view: DataView): { name: string; kind: 'file' | 'directory' | 'symlink' | 'other'; sizeBytes: number }[] {
  const entries = [];
  for (let at = 0; at < payload.byteLength; ) {
    if (payload.byteLength - at < 11) malformed('list');
    const end = payload.indexOf(0, at + 9);
    const kind = KINDS[String.fromCharCode(payload[at] ?? 0)];
    if (end < 0 || kind === undefined) malformed('list');
    entries.push({ name: decodeUtf8Lossy(payload.subarray(at + 9, end)), kind, sizeBytes: u64(view, at + 1) });
    at = end + 1;
  }
  return entries;
}

const STAGES: readonly (ExecStage | undefined)[] = [undefined, 'chdir', 'exec', 'fork'];

function decode(type: number, id: number, payload: Uint8Array): CellFrame {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const exactly = (size: number, what: string): void => {
    if (payload.byteLength !== size) malformed(what);
  };
  const stream = (): 0 | 1 => (payload[0] === 0 ? 0 : payload[0] === 1 ? 1 : malformed('stream'));
  switch (type) {
    case 1:
      return { type: 'hello', fields: helloFields(payload) };
    case 2:
      exactly(4, 'started');
      return { type: 'started', id, pid: view.getUint32(0, true) };
    case 3: {
      exactly(5, 'exec-failed');
      return { type: 'exec-failed', id, stage: STAGES[payload[0] ?? 0] ?? malformed('stage'), errno: view.getUint32(1, true) };
    }
    case 5:
      exactly(1, 'eof');
      return { type: 'eof', id, stream: stream() };
    case 6:
      exactly(38, 'exit');
      return {
        type: 'exit',
        id,
        signalled: payload[0] === 1,
        code: view.getUint32(1, true),
        coreDumped: payload[5] === 1,
        durationMicros: u64(view, 6),
        userMicros: u64(view, 14),
        systemMicros: u64(view, 22),
        maxRssBytes: u64(view, 30),
      };
    case 7:
      exactly(4, 'stdin-credit');
      return { type: 'stdin-credit', id, bytes: view.getUint32(0, true) };
    case 8:
      return { type: 'killed', id };
    case 10:
      return { type: 'file-end', id };
    case 11:
      exactly(4, 'file-error');
      return { type: 'file-error', id, errno: view.getUint32(0, true) };
    case 12:
      return { type: 'list', id, entries: listEntries(payload, view) };
    default:
      return malformed(`frame type ${type}`);
  }
}

/** What is left of a data frame whose beginning has been handed on. */
interface OpenFrame {
  readonly type: 'data' | 'file-data';
  readonly id: number;
  readonly stream: 0 | 1;
  left: number;
}

const DATA = 4;
const FILE_DATA = 9;

/**
 * Cuts a byte stream into frames. Payloads of streams are handed on as they come, as views of the chunk, so a flood is neither copied nor
 * gathered; of anything else at most one incomplete frame is kept [W1].
 */
export class CellFrameDecoder {
  #rest: Uint8Array = new Uint8Array(0);
  #open: OpenFrame | undefined;

  /** @returns what this chunk completes; a `data` or `file-data` frame may come in several pieces. @throws CellError `backend.protocol` */
  push(chunk: Uint8Array): CellFrame[] {
    const buffer = this.#rest.byteLength === 0 ? chunk : concatBytes([this.#rest, chunk]);
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    const frames: CellFrame[] = [];
    let at = 0;
    for (;;) {
      if (this.#open !== undefined) {
        if (at === buffer.byteLength) break;
        const { type, id, stream } = this.#open;
        const data = buffer.subarray(at, at + this.#open.left);
        frames.push(type === 'data' ? { type, id, stream, data } : { type, id, data });
        at += data.byteLength;
        this.#open.left -= data.byteLength;
        if (this.#open.left > 0) break;
        this.#open = undefined;
      }
      const left = buffer.byteLength - at;
      if (left < 4) break;
      const length = view.getUint32(at, true);
      if (length < 5 || length > CONTROL.frameSizeBytesMax) malformed('length');
      if (left < 9) break;
      const type = buffer[at + 4] ?? 0;
      const id = view.getUint32(at + 5, true);
      if (type === DATA || type === FILE_DATA) {
        const head = type === DATA ? 10 : 9;
        if (length - 5 < head - 8) malformed('data'); // a stream and at least one byte
        if (left < head) break;
        const stream = type === FILE_DATA || buffer[at + 9] === 0 ? 0 : buffer[at + 9] === 1 ? 1 : malformed('stream');
        this.#open = { type: type === DATA ? 'data' : 'file-data', id, stream, left: 4 + length - head };
        at += head;
        continue;
      }
      if (left < 4 + length) break;
      frames.push(decode(type, id, buffer.subarray(at + 9, at + 4 + length)));
      at += 4 + length;
    }
    this.#rest = at === buffer.byteLength ? new Uint8Array(0) : buffer.slice(at);
    return frames;
  }
}

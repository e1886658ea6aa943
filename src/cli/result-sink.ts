/**
 * Where the result document of a run goes: descriptor 3 or a file; never stdout, which is the command's own.
 *
 *   RS1  it is opened before anything runs: a place that cannot be written refuses the run.
 */
import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { CellError, ignore, messageOf } from '../base/errors.ts';
import { utf8 } from '../base/bytes.ts';
import type { ParsedArgs } from './command.ts';

const RESULT_FD = 3;

/** Was descriptor 3 handed to us, open for writing? When it was not, Node has put an event queue of its own there. */
function resultFdOpen(): boolean {
  try {
    fstatSync(RESULT_FD);
    if (readlinkSync(`/proc/self/fd/${RESULT_FD}`).startsWith('anon_inode:')) return false;
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${RESULT_FD}`, 'latin1'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & 3) !== 0;
  } catch (error) {
    ignore(error, 'not open');
    return false;
  }
}

export interface ResultSink {
  /** @throws CellError `result.unwritable` */
  write(document: unknown): void;
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      // A full pipe that does not block: its reader is slow. There is nothing else to do any more, so waiting here holds nobody up.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** @returns undefined when no result was asked for. @throws CellError `usage.invalid` */
export function openResultSink(args: ParsedArgs): ResultSink | undefined {
  const file = args.text('result');
  if (file === undefined && !args.flag('json')) return undefined;
  let fd = RESULT_FD;
  if (file !== undefined) {
    try {
      fd = openSync(file, 'w', 0o600);
    } catch (error) {
      throw new CellError('usage.invalid', `Cannot write the result to ${file}: ${messageOf(error)}`, { cause: error });
    }
  } else if (!resultFdOpen()) throw new CellError('usage.invalid', "Cannot hand out a result: --json writes to descriptor 3, which is not open for writing; add 3>result.json, or use --result FILE. stdout is the command's own");
  return {
    write(document) {
      try {
        writeAll(fd, utf8(`${JSON.stringify(document)}\n`));
        if (fd !== RESULT_FD) closeSync(fd);
      } catch (error) {
        throw new CellError('result.unwritable', `Cannot write the result${file === undefined ? ' to descriptor 3' : ` to ${file}`}: ${messageOf(error)}`, { cause: error });
      }
    },
  };
}

/**
 * The only file that starts processes. Nothing here chooses a program, an environment or a descriptor: the caller says each.
 */
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { concatBytes } from '../../base/bytes.ts';

export interface SpawnRequest {
  readonly program: string;
  readonly args: readonly string[];
  /** Complete: nothing of the host's environment is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly stdio: StdioOptions;
  /** In a session of its own, what a terminal sends to the foreground (Ctrl-C) reaches us and not the child. */
  readonly ownSession?: boolean;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface HostProcess {
  readonly pid: number | undefined;
  /** Never rejects: a program that could not be started ends with code 127. */
  readonly exited: Promise<ProcessExit & { readonly error?: Error }>;
  /** Descriptor `fd` of the child, when its stdio entry is `pipe`. */
  channel(fd: number): Duplex;
  kill(signal: NodeJS.Signals): void;
}

export function startProcess(request: SpawnRequest): HostProcess {
  const child: ChildProcess = spawn(request.program, request.args, { env: request.env, cwd: request.cwd, stdio: request.stdio, detached: request.ownSession === true, windowsHide: true });
  const exited = new Promise<ProcessExit & { error?: Error }>((resolve) => {
    child.once('error', (error) => resolve({ code: 127, signal: null, error }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return {
    pid: child.pid,
    exited,
    channel: (fd) => child.stdio[fd] as Duplex,
    kill: (signal) => void child.kill(signal),
  };
}

export interface ProgramResult {
  readonly code: number;
  readonly stdout: Uint8Array;
  /** The first few KiB. */
  readonly stderr: string;
}

/** Runs a program to its end and gathers what it says. More output than allowed ends it, with code 125. */
export async function runProgram(request: { program: string; args: readonly string[]; env: Readonly<Record<string, string>>; cwd: string; outputBytesMax: number }): Promise<ProgramResult> {
  const child = startProcess({ ...request, stdio: ['ignore', 'pipe', 'pipe'] });
  const parts: Uint8Array[] = [];
  let size = 0;
  let stderr = '';
  let cut = false;
  child.channel(1).on('data', (chunk: Buffer) => {
    size += chunk.byteLength;
    if (size <= request.outputBytesMax) parts.push(chunk);
    else if (!cut) {
      cut = true;
      child.kill('SIGKILL');
    }
  });
  child.channel(2).on('data', (chunk: Buffer) => {
    if (stderr.length < 8192) stderr += chunk.toString('utf8');
  });
  const [exit] = await Promise.all([child.exited, closed(child.channel(1)), closed(child.channel(2))]);
  return { code: cut ? 125 : (exit.code ?? 125), stdout: concatBytes(parts), stderr: cut ? `more than ${request.outputBytesMax} bytes of output` : (exit.error?.message ?? stderr) };
}

function closed(stream: Duplex): Promise<void> {
  return new Promise((resolve) => stream.once('close', () => resolve()));
}

/**
 * The port every isolation tier implements. A cell is made first, with its init waiting; the workload starts with `exec`.
 *
 *   B1  `create` returns only after the isolation is in force; no instruction of a workload runs before `exec`;
 *   B2  `destroy` is idempotent, never takes the run's aborted signal, and runs every step even when one throws;
 *   B3  what a cell reports of itself (`CellFacts`) is observed from inside or from the kernel, never copied from the plan.
 */
import type { Secret } from '../base/secret.ts';
import type { CellPlan } from '../core/plan/plan.ts';

export interface CellFacts {
  /** Init of the cell, as the host numbers it, and its start time in clock ticks since boot. */
  readonly initPid: number;
  readonly initStartTime: string;
  /** Namespace name → inode, as the kernel reports them for the init. */
  readonly namespaces: Readonly<Record<string, number>>;
  /** As `/proc/self/status` said inside the cell after all drops: hex masks, as printed there. */
  readonly capabilities: { readonly eff: string; readonly prm: string; readonly bnd: string; readonly amb: string; readonly inh: string };
  readonly noNewPrivs: boolean;
  /** 0 off, 1 strict, 2 filter. */
  readonly seccompMode: number;
  readonly seccompFilters: number;
  /** Host uid of the init as the kernel says it. */
  readonly hostUid: number;
}

export interface ExecRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Added to `env` at the last moment; never logged. */
  readonly secretEnv?: ReadonlyMap<string, Secret>;
  /** Absolute, in the cell. */
  readonly cwd: string;
  /** false: the workload's stdin is at end of file. */
  readonly stdin: boolean;
}

/** How one process ended, as the kernel told the cell's init. `lost`: the init died first. */
export type ProcessEnd =
  | { readonly kind: 'exited'; readonly code: number; readonly durationMs: number; readonly usage: ProcessUsage }
  | { readonly kind: 'signalled'; readonly signal: number; readonly coreDumped: boolean; readonly durationMs: number; readonly usage: ProcessUsage }
  | { readonly kind: 'exec-failed'; readonly errno: number; readonly stage: 'chdir' | 'exec' | 'fork'; readonly durationMs: number }
  | { readonly kind: 'lost'; readonly reason: string; readonly durationMs: number };

export interface ProcessUsage {
  readonly userMicros: number;
  readonly systemMicros: number;
  readonly maxRssBytes: number;
}

/** A byte stream with backpressure: the next chunk is asked for only when the consumer is ready. */
export type ByteStream = AsyncIterable<Uint8Array>;

/**
 * One command. Its session (`setsid`) ends with it: what it left in there is killed before `ended` settles, and its output ends with what was
 * written until then. LIMIT: who left the session as well lives on until `killAll` or `destroy`.
 */
export interface CellProcess {
  /** Settles when the program image is in place (`pid` in the cell), or undefined when it could not be. */
  readonly started: Promise<number | undefined>;
  /** Each must be consumed or `discard`ed; an unread stream blocks the workload, as a pipe does. */
  readonly stdout: ByteStream;
  readonly stderr: ByteStream;
  /** Resolves when the chunk was accepted for delivery (backpressure); rejects never: a closed stdin swallows. */
  writeStdin(chunk: Uint8Array): Promise<void>;
  closeStdin(): void;
  /** Closes our end of an output stream: it ends here, and the workload gets SIGPIPE on its next write. */
  closeOutput(stream: 'stdout' | 'stderr'): void;
  /** Sends a signal to the process and its group. Never throws for a process already gone. */
  signal(signal: number): void;
  readonly ended: Promise<ProcessEnd>;
}

/** Counters of the cell's groups; a member is undefined when nothing counts it. */
export interface CellUsage {
  readonly memoryPeakBytes?: number;
  readonly oomKills?: number;
  readonly pidsPeak?: number;
  readonly pidsRefused?: number;
  readonly cpuMicros?: number;
  readonly cpuThrottledPeriods?: number;
}

/** One line of the teardown certificate. */
export interface TeardownLine {
  /** `processes`, `pid-namespace`, `cgroup.memory`, `mounts`, `network-namespace`, `socket`, `temp`, `lease.NAME` … */
  readonly probe: string;
  readonly result: 'clean' | 'residue' | 'unchecked';
  /** What was looked at, or what was left, or why it could not be looked at. */
  readonly detail: string;
}

/** A regular file read out of the cell, with the cell's own authority. */
export interface CellFileEntry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly sizeBytes: number;
}

export interface CellFiles {
  /**
   * Streams a regular file. Every path is absolute in the cell, and no component of it may be a symlink.
   * @throws CellError `file.refused` for anything but a regular file, a symlink on the way, or more than `sizeBytesMax`
   */
  read(path: string, options: { sizeBytesMax: number; signal: AbortSignal }): ByteStream;
  /** Whole or not at all. A file that is there is replaced; anything else there refuses. @throws CellError `file.refused` */
  write(path: string, data: Uint8Array, options: { signal: AbortSignal }): Promise<void>;
  /** Unordered. @throws CellError `file.refused` */
  list(path: string, options: { signal: AbortSignal }): Promise<readonly CellFileEntry[]>;
  /** With the folders above it; one that is there is fine. @throws CellError `file.refused` */
  makeFolder(path: string, options: { signal: AbortSignal }): Promise<void>;
  /** A file, a link itself, or an empty folder. @throws CellError `file.refused` */
  remove(path: string, options: { signal: AbortSignal }): Promise<void>;
}

export interface LiveCell extends AsyncDisposable {
  readonly facts: CellFacts;
  exec(request: ExecRequest): CellProcess;
  readonly files: CellFiles;
  /** Kills every process of the cell but its init; the files stay readable. Nothing may be started until it settles. */
  killAll(options: { signal: AbortSignal }): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  usage(): Promise<CellUsage>;
  /** Settles when the cell is gone for whatever reason. */
  readonly gone: Promise<void>;
  /**
   * Ends the cell and probes that nothing is left. Idempotent: the second call returns the first one's lines.
   * @returns one line a probe; never throws, a failed probe is `unchecked`
   */
  destroy(): Promise<readonly TeardownLine[]>;
}

export interface CellCreateOptions {
  readonly signal: AbortSignal;
  /** Host folder holding the runtime secret socket, shown at `/run/cellos/secrets` in the cell. */
  readonly secretSocketDirectory?: string;
  /** Host folder of this run for overlay upper and work folders and other scratch; 0700, ours to fill. */
  readonly scratchDirectory: string;
}

export interface CellBackend {
  readonly name: 'bwrap';
  /**
   * @throws CellError `plan.unsatisfiable` | `backend.failed` | `cgroup.failed`; then nothing of the cell is left
   */
  create(plan: CellPlan, options: CellCreateOptions): Promise<LiveCell>;
}

/**
 * The runs of this host as they are read: lists, records, output, and following one that is going on. Loads nothing that could start a cell.
 *
 *   RV1  what is read here is not verified: whoever shows it says so, or audits beside it.
 */
import { systemClock } from '../adapters/os/clock.ts';
import { FolderWatch, endLines, LineSplitter, Tail } from '../adapters/store/run-reader.ts';
import { type RunEntry, type RunState, StateFolder } from '../adapters/store/state.ts';
import type { Bytes } from '../base/bytes.ts';
import { BUNDLE } from '../core/evidence/bundle.ts';
import type { CellState } from '../core/projection/cell-state.ts';
import { RunCell } from '../core/projection/run-cell.ts';
import { applyRecord, EMPTY_VIEW, type RunView } from '../core/projection/run-view.ts';
import { type ViewedRecord, viewRecord } from '../core/projection/viewed-record.ts';

/** How often a follower looks whether a silent writer still lives, ms. */
const LIVENESS_MS = 1_000;

export interface RunSummary {
  readonly runId: string;
  readonly state: RunState;
  readonly bundle: string;
  readonly view: RunView;
  readonly cell: CellState;
}

/** Reads the ends of the records only: bounded memory and time, whatever the size of a bundle. */
export function summarise(run: RunEntry): RunSummary {
  let view = EMPTY_VIEW;
  const cell = new RunCell();
  for (const line of endLines(`${run.bundle}/${BUNDLE.records}`)) {
    const record = viewRecord(line);
    if (record === undefined) continue;
    view = applyRecord(view, record);
    cell.apply(record);
  }
  return { ...run, view, cell: cell.state };
}

/** Newest first, at most `limit`; only as many bundles are looked at as are needed. */
export function summaries(state: StateFolder, options: { limit: number; states?: readonly RunState[] }): RunSummary[] {
  const found: RunSummary[] = [];
  for (const runId of state.ids()) {
    if (found.length >= options.limit) break;
    const entry = state.entry(runId);
    if (options.states === undefined || options.states.includes(entry.state)) found.push(summarise(entry));
  }
  return found;
}

/** The shortest beginnings, of at least eight characters, that tell these ids from all others. */
export function shortIds(ids: readonly string[]): Map<string, string> {
  const sorted = [...ids].sort();
  const common = (a: string, b: string | undefined): number => {
    let length = 0;
    while (b !== undefined && length < a.length && a[length] === b[length]) length += 1;
    return length;
  };
  return new Map(sorted.map((id, at) => [id, id.slice(0, Math.max(8, common(id, sorted[at - 1]) + 1, common(id, sorted[at + 1]) + 1))]));
}

export interface ReadLine {
  readonly line: Bytes;
  /** undefined: the line is no record. */
  readonly record: ViewedRecord | undefined;
}

export interface FollowOptions {
  /** Wait for what a running run still writes? */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

async function* growing(state: StateFolder, run: RunEntry, tails: readonly Tail[], options: FollowOptions): AsyncGenerator<{ tail: number; piece: Bytes }> {
  const running = (): boolean => options.follow && !options.signal.aborted && state.entry(run.runId).state === 'running';
  using watch = running() ? new FolderWatch(run.bundle) : undefined;
  for (;;) {
    // Asked before the read, so that what was written last is read too.
    const more = running();
    for (const [index, tail] of tails.entries()) for (const piece of tail.pieces()) yield { tail: index, piece };
    if (!more || watch === undefined) return;
    await watch.next(LIVENESS_MS, options.signal);
  }
}

/** The records of a run in order; with `follow`, until it is over. */
export async function* readRecords(state: StateFolder, run: RunEntry, options: FollowOptions): AsyncGenerator<ReadLine> {
  using tail = new Tail(`${run.bundle}/${BUNDLE.records}`);
  const splitter = new LineSplitter();
  for await (const { piece } of growing(state, run, [tail], options)) for (const line of splitter.push(piece)) yield { line, record: viewRecord(line) };
}

export type OutputName = 'stdout' | 'stderr';

/** The kept output of a run; with `follow`, until it is over. */
export async function* readOutput(state: StateFolder, run: RunEntry, names: readonly OutputName[], options: FollowOptions): AsyncGenerator<{ name: OutputName; piece: Bytes }> {
  using stack = new DisposableStack();
  const tails = names.map((name) => stack.use(new Tail(`${run.bundle}/${BUNDLE[name]}`)));
  for await (const { tail, piece } of growing(state, run, tails, options)) yield { name: names[tail] ?? 'stdout', piece };
}

/** Ids of the runs that are going on, and of each that begins later, until the signal is aborted. */
export async function* runningRuns(state: StateFolder, signal: AbortSignal): AsyncGenerator<RunEntry> {
  using watch = new FolderWatch(`${state.path}/runs`);
  const known = new Set<string>();
  for (let first = true; !signal.aborted; first = false) {
    for (const runId of state.ids().reverse()) {
      if (known.has(runId)) continue;
      known.add(runId);
      const entry = state.entry(runId);
      // One that began and ended between two looks is shown too.
      if (!first || entry.state === 'running') yield entry;
    }
    await watch.next(60_000, signal);
  }
}

export { type RunEntry, type RunState, StateFolder, systemClock };

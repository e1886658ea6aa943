/**
 * What evidence costs a one-second job that writes 4 MiB and computes: time spent making, signing and syncing records while the job runs, and time
 * spent hashing, keeping and syncing as much output, in pieces of the size that comes, of its wall time.
 *
 * Not measured: the first records of the run and the seal, which stand before and after the job (`library` and `cold` have them).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createRunBundle } from '../src/adapters/store/bundle-writer.ts';
import { StateFolder } from '../src/adapters/store/state.ts';
import { Cell } from '../src/index.ts';
import { RunRecorder } from '../src/runtime/emitter/run-recorder.ts';
import { median } from './pairs.ts';

const OUTPUT_BYTES = 4 * 1024 * 1024;
/** What one read of a pipe brings. */
const PIECE_BYTES = 64 * 1024;

const JOB = ['sh', '-c', `head -c ${OUTPUT_BYTES} /dev/zero; end=$(( $(date +%s%N) + 1000000000 )); while [ $(date +%s%N) -lt $end ]; do :; done`];

/** ms to hash, keep and sync the output of the job, by what a run uses for it. */
function keepingMs(state: StateFolder, run: number): number {
  const bundle = createRunBundle(state.createRun(`bench-${run}`), new Uint8Array(1), { keptBytesMax: OUTPUT_BYTES });
  const piece = new Uint8Array(PIECE_BYTES);
  const from = performance.now();
  const keeper = bundle.keepOutput('stdout', 1);
  for (let bytes = 0; bytes < OUTPUT_BYTES; bytes += PIECE_BYTES) keeper.write(piece);
  const { keptBytes } = keeper.finish();
  if (keptBytes !== OUTPUT_BYTES) throw new Error(`Kept ${keptBytes} of ${OUTPUT_BYTES} bytes`);
  return performance.now() - from;
}

export async function measure(options: { runs: number; print: (text: string) => void }): Promise<void> {
  const state = mkdtempSync(`${tmpdir()}/cellos-bench-`);
  let spentMs = 0;
  const { prototype } = RunRecorder;
  const timed = <A extends unknown[], R>(method: (this: RunRecorder, ...args: A) => R) =>
    function (this: RunRecorder, ...args: A): R {
      const from = performance.now();
      try {
        return method.apply(this, args);
      } finally {
        spentMs += performance.now() - from;
      }
    };
  const { record, barrier } = prototype;
  prototype.record = timed(record);
  prototype.barrier = timed(barrier);
  const records: number[] = [];
  const keeping: number[] = [];
  const kept = new StateFolder(`${state}/kept`);
  try {
    for (let i = 0; i < options.runs; i += 1) {
      await using cell = await Cell.create({ stateDir: `${state}/state` });
      spentMs = 0;
      const from = performance.now();
      await cell.exec(JOB);
      const wallMs = performance.now() - from;
      records.push(spentMs / wallMs);
      keeping.push(keepingMs(kept, i) / wallMs);
    }
  } finally {
    Object.assign(prototype, { record, barrier });
    rmSync(state, { recursive: true, force: true });
  }
  const percent = (shares: readonly number[]): string => `${(median(shares) * 100).toFixed(2)} %`;
  const all = records.map((share, at) => share + (keeping[at] ?? 0));
  options.print(`evidence of a one-second job with 4 MiB of output            ${percent(all)} of its wall time (records ${percent(records)}, keeping output ${percent(keeping)}), ${options.runs} runs; aim at most 3 %`);
}

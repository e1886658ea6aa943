/** Times commands and functions in turns, so that what slows the machine slows both; quotes medians and the median of the pairwise ratios. */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

export interface Paired {
  readonly name: string;
  /** Median of ours and of the baseline, ms. */
  readonly oursMs: number;
  readonly baselineMs: number;
  /** Median of ours/baseline, pair by pair. */
  readonly ratio: number;
  readonly pairs: number;
}

type Work = () => Promise<void> | void;

/** @param between done after each, in the time of neither */
export async function inTurns(name: string, pairs: number, ours: Work, baseline: Work, between?: () => Promise<void>): Promise<Paired> {
  const timed = async (work: Work): Promise<number> => {
    const from = process.hrtime.bigint();
    await work();
    const ms = Number(process.hrtime.bigint() - from) / 1e6;
    await between?.();
    return ms;
  };
  for (let i = 0; i < 3; i += 1) {
    await timed(ours);
    await timed(baseline);
  }
  const seen: { a: number; b: number }[] = [];
  for (let i = 0; i < pairs; i += 1) seen.push({ a: await timed(ours), b: await timed(baseline) });
  return { name, oursMs: median(seen.map(({ a }) => a)), baselineMs: median(seen.map(({ b }) => b)), ratio: median(seen.map(({ a, b }) => a / b)), pairs };
}

/** A command run to its end. @throws Error when it does not end with 0: a broken command is not a fast one */
export function command(argv: readonly string[], env: Readonly<Record<string, string>>): () => void {
  const [program = '', ...args] = argv;
  return () => {
    const { status, error, stderr } = spawnSync(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${error?.message ?? stderr.toString()}`);
  };
}

export function line({ name, oursMs, baselineMs, ratio, pairs }: Paired, aim?: string): string {
  return `${name.padEnd(58)} ${ratio.toFixed(2).padStart(6)}×   ${oursMs.toFixed(1).padStart(7)} ms / ${baselineMs.toFixed(1)} ms, ${pairs} pairs${aim === undefined ? '' : `; aim ${aim}`}`;
}

export function loadLine(): string {
  return `load average ${loadavg().map((value) => value.toFixed(2)).join(' ')} on ${process.version}: medians and ratios are what counts`;
}

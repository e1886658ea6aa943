/**
 * A coverage-guided fuzzer small enough to read at one sitting: take an input of the corpus, change it, run the target, and keep the input
 * when V8 saw a block of our code run that never ran before. Everything random follows from one seed.
 */
import { Session } from 'node:inspector';
import { seededRandom } from '../test/crash/kill-campaign.ts';

export type FuzzTarget = (bytes: Uint8Array) => void;

const INPUT_BYTES_MAX = 4096;
const BATCH = 24;
const TELLING = [0, 1, 9, 10, 13, 32, 34, 44, 45, 46, 48, 57, 58, 91, 92, 93, 101, 123, 125, 127, 128, 192, 237, 254, 255];

/** One changed copy: flips, telling values, pieces removed, repeated, or taken from another input. */
export function mutate(input: Uint8Array, other: Uint8Array, random: () => number): Uint8Array {
  let bytes = Uint8Array.from(input);
  const below = (n: number): number => Math.floor(random() * n);
  for (let changes = 1 + below(4); changes > 0; changes -= 1) {
    const at = below(bytes.byteLength + 1);
    const size = 1 + below(random() < 0.8 ? 8 : 128);
    switch (below(6)) {
      case 0:
        if (at < bytes.byteLength) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
        break;
      case 1:
        if (at < bytes.byteLength) bytes[at] = random() < 0.7 ? (TELLING[below(TELLING.length)] ?? 0) : below(256);
        break;
      case 2:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at + size));
        break;
      case 3:
        bytes = join(bytes.subarray(0, at), bytes.subarray(at, at + size), bytes.subarray(at));
        break;
      case 4:
        bytes = join(bytes.subarray(0, at), Uint8Array.from({ length: size }, () => (random() < 0.5 ? (TELLING[below(TELLING.length)] ?? 0) : below(256))), bytes.subarray(at));
        break;
      default: {
        const from = below(other.byteLength + 1);
        bytes = join(bytes.subarray(0, at), other.subarray(from, from + size * 4), bytes.subarray(at + (random() < 0.5 ? size : 0)));
      }
    }
  }
  return bytes.subarray(0, INPUT_BYTES_MAX);
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Which blocks of our sources ran since the last look. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  #post(method: string, params?: object): unknown {
    let answer: unknown;
    this.#session.post(method, params, (error, result) => {
      if (error !== null) throw error;
      answer = result;
    });
    return answer;
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Blocks that ran since the last call and never before. */
  fresh(): string[] {
    const { result } = this.#post('Profiler.takePreciseCoverage') as { result: { url: string; functions: { ranges: { startOffset: number; endOffset: number; count: number }[] }[] }[] };
    const fresh: string[] = [];
    for (const script of result) {
      if (!/^file:.*\/src\//.test(script.url)) continue;
      for (const { ranges } of script.functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          const block = `${script.url}:${startOffset}-${endOffset}`;
          if (count > 0 && !this.#seen.has(block)) fresh.push(block);
        }
      }
    }
    return fresh;
  }

  /** @returns whether a block ran that never ran before */
  grew(): boolean {
    const fresh = this.fresh();
    for (const block of fresh) this.#seen.add(block);
    return fresh.length > 0;
  }

  stop(): void {
    this.#session.disconnect();
  }
}

export interface FuzzOutcome {
  readonly executions: number;
  readonly blocks: number;
  /** Inputs that reached something new. */
  readonly found: readonly Uint8Array[];
  readonly crash?: { readonly input: Uint8Array; readonly error: unknown };
}

/** @param isExpected errors the target may throw */
export function fuzz(target: FuzzTarget, seeds: readonly Uint8Array[], options: { seconds: number; seed: number; isExpected: (error: unknown) => boolean }): FuzzOutcome {
  const random = seededRandom(options.seed);
  const coverage = new Coverage();
  const corpus: Uint8Array[] = [];
  const found: Uint8Array[] = [];
  let executions = 0;
  const attempt = (input: Uint8Array): FuzzOutcome['crash'] => {
    executions += 1;
    try {
      target(Uint8Array.from(input)); // a copy: a target may keep or change what it gets
    } catch (error) {
      if (!options.isExpected(error)) return { input, error };
    }
    return undefined;
  };
  try {
    for (const input of [new Uint8Array(), ...seeds]) {
      const crash = attempt(input);
      if (crash !== undefined) return { executions, blocks: coverage.size, found, crash };
      coverage.grew();
      corpus.push(input);
    }
    for (const end = performance.now() + options.seconds * 1000; performance.now() < end; ) {
      const pick = (): Uint8Array => corpus[Math.floor(random() * corpus.length)] as Uint8Array;
      const batch = Array.from({ length: BATCH }, () => mutate(pick(), pick(), random));
      for (const input of batch) {
        const crash = attempt(input);
        if (crash !== undefined) return { executions, blocks: coverage.size, found, crash };
      }
      // Asking V8 costs more than most inputs: asked once a batch, and again for each input only when one of them was new.
      if (coverage.fresh().length === 0) continue;
      for (const input of batch) {
        attempt(input);
        if (!coverage.grew()) continue;
        corpus.push(input);
        found.push(input);
      }
    }
    return { executions, blocks: coverage.size, found };
  } finally {
    coverage.stop();
  }
}

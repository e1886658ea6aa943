/**
 * Events sealed per second on one core: canonical text, SHA-256, Ed25519, chain record, of events of about 1 KB. Baseline, taken in turns in
 * the same run: the bare Ed25519 signature of the same canonical bytes.
 *
 * Not measured: writing the line, making it durable, delivering it. Salts come from a counter, not from the system's random source.
 */
import { utf8 } from '../src/base/bytes.ts';
import { ed25519SigningKey } from '../src/base/crypto.ts';
import { commandCompletedData } from '../src/core/events/lifecycle.ts';
import { EVENTS } from '../src/core/events/catalogue.ts';
import { canonicalEventText } from '../src/core/events/envelope-codec.ts';
import type { EventDraft } from '../src/core/events/envelope.ts';
import { ChainWriter, SALT_BYTES } from '../src/core/evidence/chain.ts';
import { median } from './pairs.ts';

export interface EventsSealed {
  /** Sealed events per second, median of the rounds. */
  readonly perSecond: number;
  /** Bare signatures of the same bytes per second, median of the rounds. */
  readonly baselinePerSecond: number;
  /** Time of a sealed event over the time of a bare signature. */
  readonly ratio: number;
  /** Canonical bytes of one event. */
  readonly eventBytes: number;
}

const SPEC = { id: 'bench', authority: {}, lifetime: { ttlSeconds: 60 }, correlation: { platform: 'bench', labels: { team: 'blue', zone: 'z1' } } };

/** A command's end with its arguments: about 1 KB canonical, nested, with an escape and a few non-ASCII letters. */
function draft(n: number): EventDraft {
  const data = commandCompletedData(
    { cellId: 'cell-0123456789abcdef', runId: 'run-01HXSESSION0000000000000000', spec: SPEC },
    { argv: ['/usr/bin/env', 'LANG=C.UTF-8', 'make', '-C', '/work/src/größe', 'all', ...Array.from({ length: 16 }, (_, i) => `--define=OPTION_${i}="value ${i} of ${n}"`)], exitCode: 0, durationMs: n },
  );
  return { type: EVENTS.commandCompleted.type, data, tier: 'host' };
}

function ratePerSecond(count: number, work: () => void): number {
  const from = process.hrtime.bigint();
  for (let i = 0; i < count; i += 1) work();
  return count / (Number(process.hrtime.bigint() - from) / 1e9);
}

export function measure(options: { rounds?: number; perRound?: number } = {}): EventsSealed {
  const { rounds = 9, perRound = 2000 } = options;
  const key = ed25519SigningKey(new Uint8Array(32).fill(7));
  let n = 0;
  const chain = new ChainWriter({
    stream: 'run-01HXSESSION0000000000000000',
    signer: { kid: 'ed25519:0123456789abcdef', sign: key.sign },
    source: 'cellos-supervisor',
    salt: () => new Uint8Array(SALT_BYTES).fill(n & 0xff),
    eventId: () => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    time: () => '2026-03-04T05:06:07.123456789+00:00',
  });
  const drafts = Array.from({ length: 64 }, (_, i) => draft(i));
  const { event } = chain.append(drafts[0] as EventDraft);
  const bytes = utf8(canonicalEventText(event));
  const seal = (): void => {
    n += 1;
    chain.append(drafts[n % drafts.length] as EventDraft);
  };
  const sign = (): void => void key.sign(bytes);
  ratePerSecond(perRound, seal); // warm
  ratePerSecond(perRound, sign);
  const sealed: number[] = [];
  const signed: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    sealed.push(ratePerSecond(perRound, seal));
    signed.push(ratePerSecond(perRound, sign));
  }
  const [perSecond, baselinePerSecond] = [median(sealed), median(signed)];
  return { perSecond, baselinePerSecond, ratio: baselinePerSecond / perSecond, eventBytes: bytes.byteLength };
}

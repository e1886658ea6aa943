import { describe, expect, it } from 'vitest';
import { CellError } from '../../base/errors.ts';
import { jsonObject } from '../../base/json.ts';
import type { CloudEvent } from '../../core/events/envelope.ts';
import { readSigningSettings } from '../../core/signing/signing-config.ts';
import { parseEnvelope, verifyEnvelope } from '../../core/signing/envelope.ts';
import type { DeadLetters, EventSink } from '../../ports/event-sink.ts';
import { FakeClock, fakeRandom } from '../../testing/index.ts';
import { EventStream, type StreamBranch } from './event-stream.ts';

function sinkOf(fails = false): { sink: EventSink; got: CloudEvent[] } {
  const got: CloudEvent[] = [];
  const emit = async (event: CloudEvent): Promise<void> => {
    if (fails) throw new CellError('evidence.unwritable', 'the disk is full');
    got.push(event);
  };
  return { got, sink: { name: 'jsonl', emit, close: async () => undefined } };
}

const branch = (sink: EventSink | undefined, more: Partial<StreamBranch> = {}): StreamBranch => ({ role: 'primary', sink, redact: new Set(), sign: undefined, deadLetters: undefined, ...more });
const stream = (...branches: StreamBranch[]) => new EventStream({ branches, clock: new FakeClock(), random: fakeRandom() });
const DATA = jsonObject({ cellId: 'c', argv: ['--token=1'] });
const hmac = readSigningSettings({ toggle: 'hmac', kid: 'k', key: 'AAAA' }).sign;

describe('EventStream', () => {
  it('gives the mirror what the primary has, and nothing else [ES2]', async () => {
    const [primary, mirror] = [sinkOf(), sinkOf()];
    const both = stream(branch(primary.sink), branch(mirror.sink, { role: 'mirror' }));
    await both.emit('networkScope', DATA);
    expect(mirror.got).toEqual(primary.got);
    const broken = stream(branch(sinkOf(true).sink), branch(mirror.sink, { role: 'mirror' }));
    await expect(broken.emit('networkScope', DATA)).rejects.toThrow(/^The primary event sink refused an event: the disk is full$/);
    expect(mirror.got).toHaveLength(1);
  });

  it('redacts before it signs: what is published verifies [ES1]', async () => {
    const { sink, got } = sinkOf();
    await stream(branch(sink, { redact: new Set(['argv']), sign: hmac })).emit('networkScope', DATA);
    const event = verifyEnvelope(parseEnvelope(got[0]?.data ?? null), { ed25519: new Map(), hmac: new Map([['k', Uint8Array.of(0, 0, 0)]]) });
    expect(event.data).toEqual({ cellId: 'c', argv: ['[redacted]'] });
  });

  it('keeps what is refused as a dead letter, redacted, and goes on [ES3]', async () => {
    const kept: { event: CloudEvent; error: string }[] = [];
    const letters: DeadLetters = { keep: (event, error) => void kept.push({ event, error }) };
    const mirror = sinkOf();
    await stream(branch(sinkOf(true).sink, { redact: new Set(['argv']), sign: hmac, deadLetters: letters }), branch(mirror.sink, { role: 'mirror' })).emit('networkScope', DATA);
    expect(kept).toMatchObject([{ error: 'the disk is full', event: { data: { argv: ['[redacted]'] } } }]);
    expect(mirror.got).toHaveLength(1);
  });

  it('drops events of a branch without a sink, as was asked for', async () => {
    await stream(branch(undefined)).emit('networkScope', DATA);
  });
});

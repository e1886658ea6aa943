/**
 * Adapters of vectors/adapters/{jsonl,dlq,audit-chain}.json: the files that our sinks leave, against the reference's.
 *
 *   VK1  texts of errors are ours; where the reference keeps one in a file, ours is given its text.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { tmpdir } from 'node:os';
import { systemClock } from '../../src/adapters/os/clock.ts';
import { systemRandom } from '../../src/adapters/os/random.ts';
import { openAuditChain } from '../../src/adapters/sink/audit-chain.ts';
import { openDeadLetters } from '../../src/adapters/sink/dead-letter.ts';
import { createJsonlSink } from '../../src/adapters/sink/jsonl.ts';
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from '../../src/base/json.ts';
import type { CloudEvent } from '../../src/core/events/envelope.ts';
import { eventText, parseCloudEvent, parseEventText } from '../../src/core/events/envelope-codec.ts';
import { AUDIT_GENESIS } from '../../src/core/evidence/audit-row.ts';
import type { EventSink } from '../../src/ports/event-sink.ts';
import { EventStream } from '../../src/runtime/stream/event-stream.ts';
import { objectMember, optionalText, textMember } from './expect.ts';
import { Skipped, type VectorAdapter, type VectorCase } from './vector.ts';

/** Runs `work` in a folder of its own. */
const inFolder =
  (work: (vector: VectorCase, dir: string) => Promise<void>): VectorAdapter =>
  async (vector) => {
    const dir = mkdtempSync(`${tmpdir()}/cellos-vectors-`);
    try {
      await work(vector, dir);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  };

const texts = (value: JsonValue | undefined): string[] => (isJsonArray(value) ? value.map(String) : value === undefined ? [] : [String(value)]);

/** `data_repeat: [text, times]` stands for data of that length. */
function eventOf(value: JsonObject): CloudEvent {
  const { data_repeat: repeat, ...rest } = value;
  return parseCloudEvent(isJsonArray(repeat) ? { ...rest, data: String(repeat[0]).repeat(Number(repeat[1])) } : rest);
}

const eventsOf = ({ input }: VectorCase): CloudEvent[] => (isJsonObject(input['event']) ? [eventOf(input['event'])] : texts(input['event_json']).map((text) => parseEventText(text, 'reference')));

async function refused(work: () => Promise<unknown>): Promise<boolean> {
  return work().then(
    () => false,
    () => true,
  );
}

async function emitAll(open: () => EventSink | Promise<EventSink>, events: readonly CloudEvent[]): Promise<void> {
  for (const event of events) {
    const sink = await open();
    try {
      await sink.emit(event);
    } finally {
      await sink.close();
    }
  }
}

const jsonl = inFolder(async (vector, dir) => {
  const { input, expect } = vector;
  const path = `${dir}/events.jsonl`;
  const existing = optionalText(input['existing_file_text']);
  if (existing !== undefined) writeFileSync(path, existing);
  const emit = async (): Promise<void> => emitAll(() => createJsonlSink(path), eventsOf(vector)); // each by an instance of its own: the bytes are the same
  if (expect['ok'] === undefined) {
    assert.ok(await refused(emit), 'accepted');
    if (expect['file_exists'] === false) assert.ok(!existsSync(path), 'there is a file');
    return;
  }
  const ok = objectMember(expect, 'ok');
  const reserialized = optionalText(ok['reserialized']);
  if (reserialized !== undefined) assert.deepEqual(eventsOf(vector).map(eventText), [reserialized]);
  await emit();
  if (ok['file_text'] !== undefined) assert.equal(readFileSync(path, 'utf8'), ok['file_text']);
});

/** Where the folder for dead letters is, with what the case has there. */
function lettersFolder({ input, name }: VectorCase, dir: string): string | undefined {
  const asked = input['CELLOS_DLQ_DIR'];
  if (asked === null) return undefined;
  if (typeof asked !== 'string') return dir;
  const folder = asked.replaceAll('{dir}', dir);
  if (name !== 'env-missing-dir') mkdirSync(folder, { recursive: true });
  return folder;
}

function deadEvent({ input }: VectorCase): CloudEvent | undefined {
  if (isJsonObject(input['data'])) return parseCloudEvent({ specversion: '1.0', id: 'r', source: 's', type: 't', data: input['data'] });
  if (isJsonObject(input['event'])) return parseCloudEvent(input['event']);
  return input['event_json'] === undefined ? parseEventText('{"specversion":"1.0","id":"bare","source":"x","type":"t.min"}') : parseEventText(textMember(input, 'event_json'));
}

function redactedFields({ input }: VectorCase): Set<string> {
  const named = /Redact\[(\w+)\]/.exec(optionalText(input['pipeline']) ?? '')?.[1];
  return new Set(named === undefined ? [] : [named]);
}

const dlq = inFolder(async (vector, dir) => {
  const { input, expect } = vector;
  if (input['inner'] === 'flush fails') throw new Skipped('our sinks have no flush: an event that was taken is written');
  const folder = lettersFolder(vector, dir);
  const letters = folder === undefined ? undefined : openDeadLetters(folder, { clock: systemClock, random: systemRandom });
  if (typeof expect['active'] === 'boolean') assert.equal(letters !== undefined, expect['active']);
  if (input['dlq_dir'] === 'missing') rmSync(dir, { recursive: true });
  const sink: EventSink = {
    name: 'jsonl',
    emit: async () => {
      if (input['inner'] !== 'ok') throw new Error(`event sink: ${optionalText(input['inner_error']) ?? 'x'}`); // VK1
    },
    close: async () => undefined,
  };
  const stream = new EventStream({ branches: [{ role: 'primary', sink, redact: redactedFields(vector), sign: undefined, deadLetters: letters }], clock: systemClock, random: systemRandom });
  const event = deadEvent(vector);
  if (event !== undefined) {
    const failed = await refused(() => stream.deliver(event));
    if (isJsonObject(expect['emit'])) assert.equal(failed, expect['emit']['error'] !== undefined);
  }
  if (expect['files'] === undefined) return;
  const found = Object.fromEntries(readdirSync(dir).map((name) => [name.replace(/^\d{13}-/, '{ms}-'), readFileSync(`${dir}/${name}`, 'utf8')]));
  assert.deepEqual(found, { ...objectMember(expect, 'files') });
});

function writeTrail(input: JsonObject, dir: string): void {
  const { trail, head } = input;
  if (isJsonObject(trail)) writeFileSync(`${dir}/audit-trail.jsonl`, Buffer.from(textMember(trail, 'hex'), 'hex'));
  else if (typeof trail === 'string') writeFileSync(`${dir}/audit-trail.jsonl`, trail);
  if (typeof head === 'string') writeFileSync(`${dir}/audit-trail.head`, head);
}

/** What `verify` of the reference says of the files is what ours says when it opens them; the next row is then the same. */
async function verified({ input, expect }: VectorCase, dir: string): Promise<void> {
  writeTrail(input, dir);
  const ok = objectMember(expect, 'verify')['ok'];
  const open = () => openAuditChain({ folder: dir, clock: systemClock, make: false });
  if (!isJsonObject(ok)) {
    assert.ok(await refused(open), 'a chain that the reference finds broken is continued');
    return;
  }
  const chain = await open();
  assert.equal(String(chain.rows().length), String(ok['rows']));
  assert.equal(chain.rows().at(-1)?.rowHash ?? AUDIT_GENESIS, ok['head']);
  await chain.emit(parseEventText('{"specversion":"1.0","id":"i","source":"x","type":"t.new","data":{"k":1}}'));
  const added = chain.rows().at(-1);
  await chain.close();
  const expected = objectMember(objectMember(expect, 'append'), 'ok');
  assert.deepEqual([added?.prevHash, String(added?.seq)], [expected['prev_hash'], String(expected['seq'])]);
  assert.equal(readFileSync(`${dir}/audit-trail.head`, 'utf8'), added?.rowHash);
}

async function chained({ input, expect, name }: VectorCase, dir: string): Promise<void> {
  writeTrail(input, dir);
  if (name === 'chained-open-parent-is-file') writeFileSync(`${dir}/f`, '');
  const folder = dirname((optionalText(input['path']) ?? '{dir}/audit.jsonl').replaceAll('{dir}', dir));
  const times = texts(input['clock']);
  const clock = { ...systemClock, nowMs: systemClock.nowMs, nowRfc3339: () => times.shift() ?? systemClock.nowRfc3339() };
  const emit = async (): Promise<void> => emitAll(() => openAuditChain({ folder, clock, make: true }), texts(input['event_json'] ?? '{"specversion":"1.0","id":"i","source":"x","type":"t"}').map((text) => parseEventText(text)));
  if (expect['ok'] === undefined) {
    assert.ok(await refused(emit), 'accepted');
    return;
  }
  await emit();
  const files = objectMember(objectMember(expect, 'ok'), 'files');
  for (const [path, text] of Object.entries(files)) if (text !== 'dir') assert.equal(readFileSync(`${dir}/${path}`, 'utf8'), text, path);
}

const auditChain = inFolder(async (vector, dir) => {
  if (vector.input['row_json'] !== undefined) throw new Skipped('rows of another chain are not taken in');
  await (vector.expect['verify'] === undefined ? chained : verified)(vector, dir);
});

export const sinkAdapters: Readonly<Record<string, VectorAdapter>> = { 'adapters/jsonl': jsonl, 'adapters/dlq': dlq, 'adapters/audit-chain': auditChain };

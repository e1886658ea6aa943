/** vectors/adapters/spool.json: rows of a chain, its seal, and how it is forwarded, against the part that keeps the chain of the profile airgapped. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { systemClock } from '../../src/adapters/os/clock.ts';
import { type AuditTrail, openAuditChain } from '../../src/adapters/sink/audit-chain.ts';
import { fromHex } from '../../src/base/bytes.ts';
import { isJsonArray, isJsonObject, type JsonObject } from '../../src/base/json.ts';
import { SpoolKeeper, type SpoolKeeping } from '../../src/compose/supervisor/spool-keeper.ts';
import { readSupervisorConfig } from '../../src/config/supervisor.ts';
import type { CloudEvent } from '../../src/core/events/envelope.ts';
import { eventText, parseEventText } from '../../src/core/events/envelope-codec.ts';
import { readSigningSettings } from '../../src/core/signing/signing-config.ts';
import { objectMember, optionalText, textMember } from './expect.ts';
import { Skipped, type VectorAdapter, type VectorCase } from './vector.ts';

const SEED = '03'.repeat(32);

interface Keeping {
  readonly keeper: SpoolKeeper;
  readonly published: { 'Nats-Msg-Id': string; payload: string }[];
  readonly told: CloudEvent[];
}

function keeperOf(spool: AuditTrail, { runId, seed, failsAt }: { runId: string; seed: string; failsAt?: number }): Keeping {
  const published: Keeping['published'] = [];
  const told: CloudEvent[] = [];
  const env = { CELLOS_EVENT_SIGNING: 'ed25519', CELLOS_EVENT_SIGNING_KID: 'org-root-t', CELLOS_EVENT_SIGNING_KEY_BASE64: Buffer.from(fromHex(seed) ?? []).toString('base64url') };
  const signing = readSigningSettings({ toggle: 'ed25519', kid: 'org-root-t', key: env.CELLOS_EVENT_SIGNING_KEY_BASE64 });
  const publish = async (bytes: Uint8Array, id: string): Promise<void> => {
    if (published.length === failsAt) throw new Error('the broker is away');
    published.push({ 'Nats-Msg-Id': id, payload: Buffer.from(bytes).toString() });
  };
  const keeping = { config: readSupervisorConfig(env).config, spool, transport: { jetstream: { publish }, signing }, stream: { deliver: async (event: CloudEvent) => void told.push(event) }, runId, warn: () => undefined };
  return { keeper: new SpoolKeeper(keeping as unknown as SpoolKeeping), published, told };
}

/** The change that the case describes, made to its files. */
function changed({ input }: VectorCase): { trail: string; head: string; seal: string | undefined; seed: string } {
  let trail = textMember(input, 'trail');
  let head = textMember(input, 'head');
  let seal: string | undefined = textMember(input, 'sig_file');
  let seed = optionalText(input['public_key_from_seed_hex']) ?? SEED;
  const { change } = input;
  if (isJsonObject(change)) {
    seal = optionalText(change['sig_file']) ?? seal;
    seed = optionalText(change['verify_with_public_key_of_seed_hex']) ?? seed;
  } else if (change === 'sig deleted') seal = undefined;
  else if (change === 'row 1 body n 1->5') trail = trail.replace('"body":{"n":1', '"body":{"n":5');
  else if (change === 'last row removed, head rewritten') {
    const rows = trail.trimEnd().split('\n').slice(0, 2);
    trail = `${rows.join('\n')}\n`;
    head = /"row_hash":"(\w+)"/.exec(rows[1] ?? '')?.[1] ?? '';
  }
  return { trail, head, seal, seed };
}

async function checkSeal(vector: VectorCase, dir: string): Promise<void> {
  const { trail, head, seal, seed } = changed(vector);
  writeFileSync(`${dir}/audit-trail.jsonl`, trail);
  writeFileSync(`${dir}/audit-trail.head`, head);
  if (seal !== undefined) writeFileSync(`${dir}/audit-trail.sig`, seal);
  const check = async (): Promise<void> => keeperOf(await openAuditChain({ folder: dir, clock: systemClock, make: false }), { runId: 'c', seed }).keeper.checkSeal();
  if (vector.expect['ok'] === undefined) await assert.rejects(check);
  else await check();
}

async function forward({ input, expect }: VectorCase, dir: string): Promise<void> {
  writeFileSync(`${dir}/audit-trail.jsonl`, textMember(input, 'trail'));
  const cursor = optionalText(input['cursor_file']);
  if (cursor !== undefined) writeFileSync(`${dir}/audit-trail.forward-cursor`, cursor);
  if (input['flush_fails'] === true) throw new Skipped('our publisher has no flush: each row is acknowledged');
  const failsAt = input['publish_fails_at'];
  const { keeper, published, told } = keeperOf(await openAuditChain({ folder: dir, clock: systemClock, make: false }), { runId: textMember(input, 'chain_id'), seed: SEED, ...(failsAt === null || failsAt === undefined ? {} : { failsAt: Number(failsAt) }) });
  await keeper.reconcile();
  const expected = isJsonArray(expect['published']) ? expect['published'].filter((one) => one !== 'flush') : [];
  assert.deepEqual(published, JSON.parse(JSON.stringify(expected)));
  assert.equal(readFileSync(`${dir}/audit-trail.forward-cursor`, 'utf8'), expect['cursor_file_after']);
  const receipt = objectMember(objectMember(expect, 'reconcile_event'), 'ok');
  const event = told[0]?.data as JsonObject | undefined;
  assert.equal(eventText(parseEventText(JSON.stringify(event?.['event']))), textMember(receipt, 'event_json'));
}

async function emit({ input, expect }: VectorCase, dir: string): Promise<void> {
  if (input['setup'] !== undefined) mkdirSync(`${dir}/audit-trail.jsonl`);
  const times = isJsonArray(input['clock']) ? input['clock'].map(String) : [];
  const clock = { ...systemClock, nowMs: systemClock.nowMs, nowRfc3339: () => times.shift() ?? systemClock.nowRfc3339() };
  const events = isJsonArray(input['event_json']) ? input['event_json'].map((text) => parseEventText(String(text))) : [];
  const work = async (): Promise<void> => {
    const spool = await openAuditChain({ folder: dir, clock, make: false });
    for (const event of events) await spool.emit(event);
    await spool.close();
  };
  if (expect['files'] === undefined) return assert.rejects(work());
  await work();
  for (const [name, text] of Object.entries(objectMember(expect, 'files'))) assert.equal(readFileSync(`${dir}/${name}`, 'utf8'), text);
}

const spool: VectorAdapter = async (vector) => {
  const { input, name } = vector;
  if (input['bundle_json'] !== undefined || input['from'] !== undefined || input['path'] !== undefined) throw new Skipped('chains are neither taken out nor in, and have no command to check them, yet');
  const dir = mkdtempSync(`${tmpdir()}/cellos-vectors-`);
  try {
    if (name.startsWith('emit')) await emit(vector, dir);
    else if (input['sig_file'] !== undefined) await checkSeal(vector, dir);
    else await forward(vector, dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

export const spoolAdapters: Readonly<Record<string, VectorAdapter>> = { 'adapters/spool': spool };

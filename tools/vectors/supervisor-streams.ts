/** Adapters of vectors/supervisor over given bytes: what the reference wrote is checked by our verifiers, and our secret socket answers as its does. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { systemClock } from '../../src/adapters/os/clock.ts';
import { systemRandom } from '../../src/adapters/os/random.ts';
import { openSecretSocket } from '../../src/adapters/secret/secret-socket.ts';
import { type Bytes, decodeUtf8Lossy, fromHex, utf8 } from '../../src/base/bytes.ts';
import { parseJson } from '../../src/base/json-parse.ts';
import { Secret } from '../../src/base/secret.ts';
import { eventText, parseEventText } from '../../src/core/events/envelope-codec.ts';
import { auditRowHash, auditRowText, checkAuditChain, parseAuditRow } from '../../src/core/evidence/audit-row.ts';
import { parseEnvelope, verifyEnvelope } from '../../src/core/signing/envelope.ts';
import { parseSpec } from '../../src/core/spec/parse.ts';
import { objectMember, optionalText, textMember } from './expect.ts';
import type { VectorAdapter } from './vector.ts';

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

function checkSigned(text: string, key: { algorithm: string; kid: string; bytes: Bytes }): void {
  for (const line of lines(text)) {
    const event = parseEventText(line);
    assert.equal(eventText(event), line, 'written otherwise');
    const keys = new Map([[key.kid, key.bytes]]);
    verifyEnvelope(parseEnvelope(event.data ?? null), key.algorithm === 'ed25519' ? { ed25519: keys } : { ed25519: new Map(), hmac: keys });
  }
}

function checkChain(trail: string, head: string | undefined): void {
  const rows = lines(trail).map(parseAuditRow);
  assert.deepEqual(rows.map(auditRowText), lines(trail), 'written otherwise');
  const check = checkAuditChain(rows);
  assert.ok(check.ok, `the chain breaks: ${JSON.stringify(check)}`);
  if (head !== undefined) assert.equal(check.head, head.trim());
}

const rawStreams: VectorAdapter = ({ input }) => {
  const files = objectMember(input, 'files');
  const { specHash } = parseSpec(utf8(textMember(input, 'spec_text')), { mode: 'compatible', format: 'json' });
  for (const name of Object.keys(files)) {
    const text = textMember(files, name);
    const key = fromHex(optionalText(input['key_hex'] ?? input['public_key_hex']) ?? '');
    if (name.endsWith('audit-trail.jsonl')) checkChain(text, optionalText(files[name.replace(/jsonl$/, 'head')]));
    else if (name.endsWith('.jsonl') && input['algorithm'] !== undefined) checkSigned(text, { algorithm: textMember(input, 'algorithm'), kid: textMember(input, 'kid'), bytes: key ?? new Uint8Array() });
    else if (name.endsWith('.jsonl')) for (const line of lines(text)) assert.equal(eventText(parseEventText(line)), line, 'written otherwise');
    if (name.endsWith('.jsonl')) assert.ok(text.includes(specHash), 'another canonical hash');
  }
};

const SECRETS: Readonly<Record<string, string>> = { API_TOKEN: 'rt-secret', ODD: 'q"\\ é\n\ttab' };

function ask(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect({ path, allowHalfOpen: true }, () => (request.endsWith('\n') ? socket.write(request) : socket.end(request)));
    socket.on('data', (chunk: Buffer) => void parts.push(chunk));
    socket.once('error', reject);
    socket.once('end', () => socket.end());
    socket.once('close', () => resolve(Buffer.concat(parts).toString()));
  });
}

const secretProtocol: VectorAdapter = async ({ input, expect }) => {
  const root = mkdtempSync(`${tmpdir()}/cellos-rs-`);
  const listener = { knows: (key: string) => Object.hasOwn(SECRETS, key), read: async (key: string) => new Secret(utf8(SECRETS[key] ?? '')), refused: () => undefined };
  const channel = await openSecretSocket({ directory: `${root}/s`, delivery: 'runtimeBroker', listener, ttlMs: 60_000, clock: systemClock, random: systemRandom });
  try {
    const token = decodeUtf8Lossy(channel.variables.get('CELLOS_RUNTIME_SECRET_TOKEN')?.reveal() ?? new Uint8Array());
    assert.equal(await ask(`${root}/s/broker.sock`, textMember(input, 'request_bytes').replaceAll('<token>', token)), textMember(expect, 'response_bytes'));
  } finally {
    await channel.close();
    rmSync(root, { recursive: true, force: true });
  }
};

const rowHash: VectorAdapter = ({ input, expect }) => {
  const row = { schema: textMember(input, 'schema'), seq: BigInt(textMember(input, 'seq_text')), at: textMember(input, 'at'), event: textMember(input, 'event'), body: parseJson(textMember(input, 'body_json')), prevHash: textMember(input, 'prev_hash') };
  const ok = objectMember(expect, 'ok');
  const hash = auditRowHash(row);
  assert.equal(hash, textMember(ok, 'row_hash'));
  if (ok['line'] !== undefined) assert.equal(auditRowText({ ...row, rowHash: hash }), textMember(ok, 'line'));
};

export const streamAdapters: Readonly<Record<string, VectorAdapter>> = { 'adapters/audit-row-hash': rowHash, 'supervisor/raw-streams': rawStreams, 'supervisor/runtime-secret-protocol': secretProtocol };
